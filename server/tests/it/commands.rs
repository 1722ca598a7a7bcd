//! The commands, as scripts call them.

use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

struct Installation(TempDir);

impl Installation {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reachline"));
        command.args(line.split(' ').filter(|word| !word.is_empty()));
        command.env_clear().current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn run_with_stdin(&self, line: &str, stdin: &str) -> Output {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Standard output, which must hold one JSON value and nothing else.
    fn json(&self, line: &str) -> Value {
        json(&self.run(line))
    }
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A failure says why in one sentence on standard error.
fn fails(output: &Output, code: i32, expected: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty());
    assert!(stderr.contains(expected) && !stderr.contains("panicked"), "{stderr}");
}

#[test]
fn scripts_provision_an_installation() {
    let it = Installation::new();
    assert!(it.json("migrate --json")["applied"].as_u64() > Some(0));
    assert_eq!(it.json("migrate --json")["applied"], 0);
    let customer = it.json("customer create --name Acme --time-zone Asia/Kathmandu --json");
    let id = customer["id"].as_str().unwrap();
    assert_eq!(customer["time_zone"], "Asia/Kathmandu");
    let created = it.json(&format!("application create --customer {id} --name web --tier production --json"));
    for member in ["id", "client_id", "client_secret"] {
        assert!(created[member].as_str().is_some_and(|text| text.len() > 10), "{member}");
    }
    let application = created["id"].as_str().unwrap();
    let rotated = it.json(&format!("application rotate {application} --json"));
    assert_ne!(rotated["client_secret"], created["client_secret"]);
    fails(&it.run(&format!("application rotate {application}")), 1, "Two secrets");
    assert!(it.json(&format!("application revoke {application} --json"))["revoked_at"].is_string());
    let listed = it.json("application list --json");
    assert_eq!(listed["items"][0]["id"], application);
    assert!(!listed.to_string().contains("client_secret"));
    let line = format!("user create --email a@example.org --role viewer --customer {id} --password-stdin --json");
    let user = json(&it.run_with_stdin(&line, "a long password\n"));
    assert_eq!((&user["email"], &user["customer_id"]), (&"a@example.org".into(), &customer["id"]));
    assert!(!user.to_string().contains("a long password"));
    let by_environment = it.command("user create --email o@example.org --role operator --json");
    let mut by_environment = by_environment;
    assert_eq!(
        json(&by_environment.env("REACHLINE_PASSWORD", "another password").output().unwrap())["role"],
        "operator"
    );
    assert_eq!(it.json("user list --json")["items"].as_array().unwrap().len(), 2);
    assert_eq!(it.json("customer list --json")["items"].as_array().unwrap().len(), 1);
    assert_eq!(it.json("figures verify --json")["equal"], true);
}

#[test]
fn helplines_come_in_whole_or_not_at_all() {
    let it = Installation::new();
    std::fs::write(it.0.path().join("good.json"), crate::app::HELPLINES).unwrap();
    let report = it.json("helplines import good.json --json");
    assert_eq!((&report["created"], &report["updated"], &report["unchanged"]), (&2.into(), &0.into(), &0.into()));
    assert_eq!(it.json("helplines import good.json --json")["unchanged"], 2);
    let bad =
        "id,name,country_code,country_name,timezone\nx-1,Good,FR,France,Europe/Paris\nx-2,Bad,FR,France,Mars/Base\n";
    std::fs::write(it.0.path().join("bad.csv"), bad).unwrap();
    fails(&it.run("helplines import bad.csv --json"), 1, "line 3");
    fails(&it.run("helplines import absent.csv --json"), 1, "absent.csv");
    assert_eq!(it.json("helplines import good.json --json")["unchanged"], 2);
}

#[test]
fn what_is_wrong_is_said() {
    let it = Installation::new();
    fails(&it.run("customer create --name Acme --time-zone Mars/Base --json"), 1, "time_zone");
    fails(&it.run("user create --email a@example.org --role operator"), 2, "REACHLINE_PASSWORD");
    let short = it.run_with_stdin("user create --email a@example.org --role operator --password-stdin", "short\n");
    fails(&short, 1, "12 characters");
    let unknown = "0199c0de-0000-7000-8000-000000000001";
    fails(&it.run(&format!("application create --customer {unknown} --name x --tier sandbox")), 1, "no customer");
    fails(&it.run(&format!("application revoke {unknown}")), 1, "no application");
    fails(&it.run("application create --customer x --name x --tier sandbox"), 2, "--customer");
    let mut wrong = it.command("migrate");
    fails(&wrong.env("REACHLINE_DATABASE_URL", "mysql://x").output().unwrap(), 2, "REACHLINE_DATABASE_URL");
    let mut wrong = it.command("migrate");
    fails(&wrong.env("REACHLINE_DATABASE_URL", "postgres://127.0.0.1:1/none").output().unwrap(), 1, "database");
    fails(&it.run("--config absent.toml migrate"), 2, "absent.toml");
    std::fs::write(it.0.path().join("r.toml"), "colour = 1").unwrap();
    fails(&it.run("--config r.toml migrate"), 2, "colour");
}
