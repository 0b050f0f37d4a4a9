use super::*;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use tempfile::{TempDir, tempdir};

const HEX: &str = "00aA_ff_09";
const WEIGHTS: [(&str, &[u8]); 1] = [("@model_path/weights/weight.bin", &[1, 2, 3])];

fn stage(root: &Path) -> Result<Staging> {
    let staging = Staging::claim(root, HEX)?;
    staging.write(b"program(1.3)", &WEIGHTS)?;
    Ok(staging)
}

/// Everything below a folder.
fn contents(root: &Path) -> Vec<String> {
    let mut found: Vec<String> =
        fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    found
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn files_are_there_until_the_guard_is_dropped() {
    let root = tempdir().unwrap();
    let staging = stage(root.path()).unwrap();
    let folder = root.path().join(HEX);
    assert_eq!(staging.folder(), folder);
    assert_eq!(fs::read(folder.join("model.mil")).unwrap(), b"program(1.3)");
    assert_eq!(fs::read(folder.join("weights/weight.bin")).unwrap(), [1, 2, 3]);
    assert_eq!(contents(&root.path().join(OURS)), [format!("{HEX}.lock")]);
    for path in [&folder, &folder.join("weights"), &root.path().join(OURS)] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    for path in ["model.mil", "weights/weight.bin"] {
        assert_eq!(mode(&folder.join(path)), 0o600, "{path}");
    }
    // What the framework adds goes too.
    fs::write(folder.join("net.plist"), b"").unwrap();
    drop(staging);
    assert!(contents(root.path()).is_empty());
}

#[test]
fn a_claim_writes_nothing_and_removes_what_is_there() {
    let root = tempdir().unwrap();
    fs::create_dir(root.path().join(HEX)).unwrap();
    let claim = Staging::claim(root.path(), HEX).unwrap();
    assert_eq!(contents(root.path()), [HEX, OURS]);
    drop(claim);
    assert!(contents(root.path()).is_empty());
}

#[test]
fn a_failure_leaves_nothing() {
    let root = tempdir().unwrap();
    let weights = [("@model_path/good.bin", b""), ("@model_path/../bad.bin", b"")];
    let e = Staging::claim(root.path(), HEX).unwrap().write(b"", &weights).unwrap_err();
    assert!(e.to_string().contains("../bad.bin"), "{e}");
    assert!(contents(root.path()).is_empty());
    for hex in ["", "..", "a/b", "a.b", "/", OURS, &"a".repeat(241)] {
        let e = Staging::claim(root.path(), hex).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidInput, "{hex}");
    }
    assert!(contents(root.path()).is_empty());
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    let e = stage(&file).unwrap_err();
    assert!(e.to_string().contains(&file.display().to_string()), "{e}");
}

#[test]
fn what_was_left_in_the_way_is_replaced_and_links_are_not_followed() {
    let (root, elsewhere) = (tempdir().unwrap(), tempdir().unwrap());
    fs::write(elsewhere.path().join("precious"), b"").unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join(HEX)).unwrap();
    fs::create_dir_all(root.path().join(OURS).join(format!("{HEX}.new/weights"))).unwrap();
    drop(stage(root.path()).unwrap());
    assert!(contents(root.path()).is_empty());
    assert_eq!(contents(elsewhere.path()), ["precious"]);
    // Our own folder must be ours.
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join(OURS)).unwrap();
    for result in [stage(root.path()).map(drop), sweep(root.path()).map(drop)] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(contents(elsewhere.path()), ["precious"]);
}

#[test]
fn a_folder_of_another_user_is_refused() {
    let root = tempdir().unwrap();
    // Only the superuser can give a folder away; of others the root of the file system is none.
    let given = std::os::unix::fs::chown(root.path(), Some(65_534), None);
    let folder = if given.is_ok() { root.path() } else { Path::new("/") };
    assert_eq!(check_ours(folder).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn threads_take_turns() {
    let root = tempdir().unwrap();
    let inside = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let staging = stage(root.path()).unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    assert!(staging.folder().join("model.mil").exists());
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    assert!(contents(root.path()).is_empty());
}

#[test]
fn sweeping_leaves_alone_what_is_not_ours() {
    let root = tempdir().unwrap();
    assert_eq!(sweep(root.path()).unwrap(), 0);
    let ours = root.path().join(OURS);
    for folder in ["abc", "def", "theirs", "anemone-ane/notes", "anemone-ane/def.new"] {
        make_folders(&root.path().join(folder)).unwrap();
    }
    for file in ["abc.lock", "a.b.lock", ".lock", "readme"] {
        fs::write(ours.join(file), b"").unwrap();
    }
    assert_eq!(sweep(root.path()).unwrap(), 2);
    assert_eq!(contents(root.path()), [OURS, "theirs"]);
    assert_eq!(contents(&ours), [".lock", "a.b.lock", "notes", "readme"]);
}

/// The variable that makes the test below the process that is killed.
const ROOT: &str = "ANEMONE_TEST_STAGING_ROOT";

struct Owner(Child);

impl Owner {
    /// A process that stages the program and then waits for its end.
    fn start(root: &TempDir) -> Owner {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "staging::tests::a_killed_process_leaves_what_sweep_removes", "--nocapture"])
            .env(ROOT, root.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        assert!(output.lines().any(|line| line.unwrap().ends_with("staged")), "the other process has not staged");
        Owner(child)
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_killed_process_leaves_what_sweep_removes() {
    if let Some(root) = std::env::var_os(ROOT) {
        let _staging = stage(Path::new(&root)).unwrap();
        std::io::Write::write_all(&mut std::io::stdout(), b"staged\n").unwrap();
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let root = tempdir().unwrap();
    let owner = Owner::start(&root);
    assert_eq!(sweep(root.path()).unwrap(), 0, "its owner lives");
    assert!(Claim::try_now(root.path(), HEX).unwrap().is_none());
    assert!(root.path().join(HEX).join("model.mil").exists());
    owner.kill();
    assert!(root.path().join(HEX).join("model.mil").exists(), "a killed process cannot remove its files");
    assert_eq!(sweep(root.path()).unwrap(), 1);
    assert!(contents(root.path()).is_empty());
}

#[test]
fn a_process_waits_for_another_and_takes_over_what_it_left() {
    let root = tempdir().unwrap();
    let owner = Owner::start(&root);
    let waiting = std::thread::spawn({
        let root = root.path().to_owned();
        move || stage(&root).map(drop)
    });
    assert!(root.path().join(HEX).exists());
    owner.kill();
    waiting.join().unwrap().unwrap();
    assert!(contents(root.path()).is_empty());
}

#[test]
fn a_lock_that_was_removed_meanwhile_is_no_lock() {
    let root = tempdir().unwrap();
    let (path, stale) = open_lock(root.path(), HEX).unwrap();
    fs::remove_file(&path).unwrap();
    stale.lock().unwrap();
    assert!(!still_there(&path, &stale).unwrap());
    let (_, fresh) = open_lock(root.path(), HEX).unwrap();
    assert!(!still_there(&path, &stale).unwrap());
    assert!(still_there(&path, &fresh).unwrap());
}
