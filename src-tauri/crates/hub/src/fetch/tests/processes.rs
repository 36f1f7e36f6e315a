//! Users who give up, programs that are killed, and two programs at once.

use std::env;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Instant;

use super::*;

const WEIGHTS: &str = "model.safetensors";
const ROOT: &str = "UNDERSTUDY_TEST_ROOT";
const HUB: &str = "UNDERSTUDY_TEST_HUB";

/// Sends the weights so slowly that there is time to interfere, but only the first time.
fn slow_hub(model: &Model, request: &Request) -> Reply {
    match request.before {
        0 => model.hub(request).slowly(Duration::from_millis(40)),
        _ => model.hub(request),
    }
}

#[test]
fn a_cancelled_download_stops_within_a_second_and_goes_on_later() {
    let world = World::with_hub(slow_hub);
    let cancelled = AtomicBool::new(false);
    let mut since = None;
    let result = world.fetch_until(&cancelled, &mut |progress| {
        if progress.done > 50_000 && since.is_none() {
            cancelled.store(true, Ordering::Relaxed);
            since = Some(Instant::now());
        }
    });
    assert!(matches!(result, Err(HubError::Cancelled)), "{result:?}");
    assert!(since.unwrap().elapsed() < Duration::from_secs(1));
    world.assert_absent();
    let left = length(&world.weights_part()).unwrap();
    assert!(left > 40_000);

    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(
        world.hub.ranges(WEIGHTS),
        [None, Some(usize::try_from(left).unwrap())]
    );
}

#[test]
fn a_server_that_says_nothing_at_all_does_not_hold_up_a_cancel() {
    let world = World::with_hub(|_, _| {
        thread::sleep(Duration::from_secs(5));
        Reply::status(404)
    });
    let cancelled = AtomicBool::new(false);
    let begin = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            cancelled.store(true, Ordering::Relaxed);
        });
        assert!(matches!(
            world.fetch_until(&cancelled, &mut |_| ()),
            Err(HubError::Cancelled)
        ));
    });
    assert!(begin.elapsed() < Duration::from_millis(1100));
}

#[test]
fn whoever_waits_for_another_program_can_give_up() {
    let world = World::with_hub(Model::hub);
    let _held = world.library.lock_model(ID, &AtomicBool::new(false)).unwrap();
    assert!(matches!(
        world.fetch_until(&AtomicBool::new(true), &mut |_| ()),
        Err(HubError::Cancelled)
    ));
}

#[test]
fn a_killed_process_leaves_only_its_part_which_the_next_one_continues() {
    let world = World::with_hub(slow_hub);
    let mut child = start_child(&world);
    let deadline = Instant::now() + Duration::from_secs(20);
    while length(&world.weights_part()).unwrap() < 20_000 {
        assert!(Instant::now() < deadline, "the child does not get on");
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.assert_absent();
    let left = length(&world.weights_part()).unwrap();
    assert!(left < world.model.weights().len() as u64);

    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(
        world.hub.ranges(WEIGHTS),
        [None, Some(usize::try_from(left).unwrap())]
    );
}

#[test]
fn two_processes_that_fetch_at_once_download_once() {
    let world = World::with_hub(slow_hub);
    let mut children = [start_child(&world), start_child(&world)];
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    world.assert_complete(&world.library.folder_path(ID));
    assert_eq!(world.hub.ranges(WEIGHTS), [None]);
}

/// Another process of this test program that fetches into `world`'s library.
fn start_child(world: &World) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "fetch::tests::processes::a_child_process_fetches",
            "--ignored",
        ])
        .env(ROOT, world.library.root())
        .env(HUB, world.hub.url())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "is run by other tests, as a process of its own"]
fn a_child_process_fetches() {
    let (Some(root), Ok(hub)) = (env::var_os(ROOT), env::var(HUB)) else {
        return;
    };
    let library = Library::new(root.into());
    let network = network(&hub, &hub, &library.root().join("net.jsonl"));
    let never = AtomicBool::new(false);
    let manifest = Model::new().manifest();
    let arrival = fetch(&manifest, &library, &network, &mut |_| (), &never);
    arrival.and_then(Arrival::place).unwrap();
}
