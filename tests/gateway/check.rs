//! `steelyard check`, as a person runs it: what is wrong is found before anything is started.

use record::Signer as _;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use steelyard::config::EXAMPLE;

struct Site(PathBuf);

impl Site {
    /// The example plant with its files in a directory of its own.
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("steelyard-check-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let site = Self(path);
        site.put(
            "steelyard.toml",
            &EXAMPLE.replace("/etc/steelyard", &site.0.display().to_string()),
            0o644,
        );
        let certificate = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        site.put("plant-ca.pem", certificate, 0o644);
        site.put("line-3.pem", certificate, 0o644);
        site.put("line-3-tls.key", "a secret", 0o600);
        let key = record::SecretKey::from_seed(&[7; 32]);
        site.put(
            "record-store.jwk",
            &key.public().jwk(record::Role::Receipt),
            0o644,
        );
        site
    }

    fn put(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn check(&self, more: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_steelyard"))
            .arg("check")
            .arg(self.0.join("steelyard.toml"))
            .args(more)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (
            output.status.code().unwrap(),
            said.replace(&self.0.display().to_string(), "SITE"),
        )
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_plant_in_order_is_said_to_be_so_with_what_was_read() {
    let site = Site::new("order");
    let (code, said) = site.check(&[]);
    assert_eq!(code, 0, "{said}");
    let last = said.lines().last().unwrap();
    assert_eq!(
        last,
        "SITE/steelyard.toml is in order: 2 units, 3 equipment, 9 captures; drivers mixer-drive edition 1, \
         mt-sics-balance edition 4, tc200 edition 2"
    );
    assert!(
        said.contains("warning[port-not-there]: the port of WT-3101"),
        "{said}"
    );
}

#[test]
fn files_that_are_missing_or_open_to_others_are_found_before_the_start() {
    let site = Site::new("files");
    fs::remove_file(site.0.join("plant-ca.pem")).unwrap();
    site.put("line-3-tls.key", "a secret", 0o644);
    site.put("line-3.key", "no key at all", 0o600);
    site.put("record-store.jwk", "{}", 0o644);
    let (code, said) = site.check(&[]);
    assert_eq!(code, 1, "{said}");
    for expected in [
        "error[file-unusable]: a file this configuration names cannot be used: No such file",
        "error[secret-readable]: others can read this secret (mode 0644)",
        "cannot be used: it holds no Ed25519 key",
        "error[file-unusable]: a file this configuration names cannot be used: the keys cannot be used",
        "trust       = \"SITE/plant-ca.pem\"",
        "but 4 things are wrong on this machine",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[test]
fn a_script_gets_one_object_on_one_line() {
    let site = Site::new("script");
    let (code, said) = site.check(&["--json"]);
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, found["in_order"].as_bool(), said.lines().count()),
        (0, Some(true), 1)
    );
    assert_eq!(found["drivers"][2]["name"], "tc200");
    site.put(
        "steelyard.toml",
        &EXAMPLE.replace("TC-3105.temperature", "TC-3150.temperature"),
        0o644,
    );
    let (code, said) = site.check(&["--json"]);
    let found: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, found["in_order"].as_bool()), (1, Some(false)));
    let complaint = &found["complaints"][0];
    assert_eq!(
        (
            complaint["name"].as_str(),
            complaint["places"][0]["column"].as_u64()
        ),
        (Some("no-such-equipment"), Some(24))
    );
}

#[test]
fn a_sites_drivers_lie_beside_its_configuration() {
    let site = Site::new("drivers");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/tc200.toml")).unwrap();
    site.put(
        "drivers/tc200.toml",
        &text.replacen("edition  = 2", "edition  = 3", 1),
        0o644,
    );
    let (code, said) = site.check(&[]);
    assert_eq!(code, 1);
    assert!(
        said.contains(
            "error[edition-differs]: TC-3105 was qualified with edition 2 of its driver; edition 3 is in hand"
        ),
        "{said}"
    );
}

#[test]
fn a_configuration_that_is_not_there_is_another_matter_than_a_wrong_one() {
    let site = Site::new("none");
    fs::remove_file(site.0.join("steelyard.toml")).unwrap();
    let (code, said) = site.check(&[]);
    assert_eq!(code, 3, "{said}");
    assert!(
        said.starts_with("error[no-configuration]: this file cannot be read"),
        "{said}"
    );
}
