//! A large file over several connections at once.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::*;
use crate::network::Segments;

const WEIGHTS: &str = "model.safetensors";

/// A world where the weights, of 200,000 bytes, are large: five segments, three at once.
fn world(hub: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static) -> World {
    let mut world = World::with_hub(hub);
    world.network.segments = Segments {
        large: 100_000,
        bytes: 45_000,
        connections: 3,
    };
    world
}

fn weights_of(world: &World) -> Vec<Request> {
    let mut asked = world.hub.requests();
    asked.retain(|request| request.path.ends_with(WEIGHTS));
    asked.sort_by_key(|request| request.from);
    asked
}

#[test]
fn a_large_file_comes_in_parts_and_is_whole() {
    let world = world(Model::hub);
    world.assert_complete(&world.fetch().unwrap());
    let asked: Vec<_> = weights_of(&world)
        .iter()
        .map(|request| (request.from, request.to))
        .collect();
    let part = |from, to| (Some(from), Some(to));
    assert_eq!(
        asked,
        [
            part(0, 44_999),
            part(45_000, 89_999),
            part(90_000, 134_999),
            part(135_000, 179_999),
            part(180_000, 199_999)
        ]
    );
}

#[test]
fn where_each_connection_has_its_share_only_several_are_faster() {
    let pace = Duration::from_millis(12);
    let slow = move |model: &Model, request: &Request| model.hub(request).slowly(pace);
    let seconds = |world: World| {
        let began = Instant::now();
        world.assert_complete(&world.fetch().unwrap());
        began.elapsed().as_secs_f64()
    };
    let (one, three) = (seconds(World::with_hub(slow)), seconds(world(slow)));
    assert!(three < 0.7 * one, "{three} s, {one} s over one connection");
}

#[test]
fn a_part_that_was_cut_is_taken_up_where_it_broke() {
    let world = world(
        |model, request| match request.path.ends_with(WEIGHTS) && request.before < 3 {
            true => model.hub(request).cut_after(20_000),
            false => model.hub(request),
        },
    );
    world.assert_complete(&world.fetch().unwrap());
    let received: u64 = world.log().iter().map(|entry| entry.bytes).sum();
    assert_eq!(received, world.model.bytes(), "no byte came twice");
}

#[test]
fn a_stop_keeps_every_part_and_the_next_time_goes_on() {
    let world = world(|model, request| match request.before < 3 {
        true => model.hub(request).slowly(Duration::from_millis(20)),
        false => model.hub(request),
    });
    let cancelled = AtomicBool::new(false);
    let result = world.fetch_until(&cancelled, &mut |progress| {
        if progress.done > 60_000 {
            cancelled.store(true, Ordering::Relaxed);
        }
    });
    assert!(matches!(result, Err(HubError::Cancelled)), "{result:?}");
    world.assert_absent();
    let left = crate::segments::arrived(&world.weights_part()).unwrap();
    assert!(left > 40_000);
    let before = world.log().iter().map(|entry| entry.bytes).sum::<u64>();
    world.assert_complete(&world.fetch().unwrap());
    let after: u64 = world.log().iter().map(|entry| entry.bytes).sum();
    assert!(after - before <= 200_000 - left, "{after} {before} {left}");
}

#[test]
fn a_server_that_knows_no_parts_sends_the_whole() {
    let world = world(|model, request| match request.path.ends_with(WEIGHTS) {
        true => Reply::whole(model.weights()),
        false => model.hub(request),
    });
    world.assert_complete(&world.fetch().unwrap());
    assert!(!crate::segments::begun(&world.weights_part()));
}

#[test]
fn a_part_with_a_wrong_bit_is_refused_and_nothing_of_it_is_kept() {
    let world = world(|model, request| {
        let mut bytes = model.weights().to_vec();
        bytes[100_000] ^= 1;
        match request.path.ends_with(WEIGHTS) {
            true => Reply::ranged(request, &bytes),
            false => model.hub(request),
        }
    });
    assert!(matches!(world.failures().0, HubError::WrongHash { .. }));
    world.assert_absent();
    assert_eq!(crate::segments::arrived(&world.weights_part()).unwrap(), 0);
}
