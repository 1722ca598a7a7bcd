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
    for (command, is_suspended) in [("suspend", true), ("suspend", true), ("resume", false)] {
        let told = it.json(&format!("application {command} {application} --json"));
        assert_eq!(told["suspended_at"].is_string(), is_suspended);
    }
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

const CARD: &str = r#"{"name": "Standard", "effective_from": "2026-01", "currency": "EUR", "figure": "reach", "included": 2,
    "tiers": [{"up_to": 10, "unit_price": 0.05}, {"unit_price": "0.000001"}], "base_fee": "49.90"}"#;

#[test]
fn cards_price_months() {
    let it = Installation::new();
    let customer = it.json("customer create --name Acme --json");
    let id = customer["id"].as_str().unwrap();
    std::fs::write(it.0.path().join("card.json"), CARD).unwrap();
    let card = it.json(&format!("rate-card create --file card.json --customer {id} --json"));
    assert_eq!((&card["name"], &card["currency"]), (&"Standard".into(), &"EUR".into()));
    assert_eq!(card["customers"][0]["id"], id);
    let version = &card["versions"][0];
    assert_eq!((&version["base_fee"], &version["minimum"]), (&"49.90".into(), &"0.00".into()));
    assert_eq!((&version["tiers"][1]["unit_price"], &version["used"]), (&"0.000001".into(), &false.into()));
    let card_id = card["id"].as_str().unwrap();
    let by_stdin = it.run_with_stdin("rate-card create --name Other --effective-from 2026-02 --file - --json", CARD);
    assert_eq!(json(&by_stdin)["versions"][0]["effective_from"], "2026-02");
    assert_eq!(it.json("rate-card list --json")["items"].as_array().unwrap().len(), 2);
    let line = format!("rate-card add-version {card_id} --file card.json --effective-from 2026-06 --json");
    assert_eq!(it.json(&line)["versions"].as_array().unwrap().len(), 2);
    let line = format!("rate-card update-version {card_id} 2 --file card.json --effective-from 2026-07 --json");
    assert_eq!(it.json(&line)["versions"][1]["effective_from"], "2026-07");
    assert_eq!(it.json(&format!("rate-card show {card_id} --json"))["versions"].as_array().unwrap().len(), 2);
    let preview = it.json(&format!("rate-card preview --customer {id} --file card.json --months 3 --json"));
    assert_eq!((preview["items"].as_array().unwrap().len(), &preview["items"][2]["total"]), (3, &"49.90".into()));
    let none = it.json(&format!("rate-card assign --customer {id} --none --from 2100-01 --json"));
    assert_eq!((&none["card_id"], &none["from"]), (&Value::Null, &"2100-01".into()));
    assert!(!it.run(&format!("rate-card show {card_id}")).stdout.is_empty());
}

#[test]
fn statements_are_issued_once_and_written_down() {
    let it = Installation::new();
    let customer = it.json("customer create --name Acme --json");
    let id = customer["id"].as_str().unwrap();
    fails(&it.run(&format!("statement show {id} 2026-09 --json")), 1, "no statement of 2026-09");
    fails(&it.run(&format!("statement issue {id} 2026-09 --json")), 1, "rate_card");
    json(&it.run_with_stdin(&format!("rate-card create --file - --customer {id} --json"), CARD));
    let issued = it.json(&format!("statement issue {id} 2026-09 --json"));
    let statement = &issued["statement"];
    assert_eq!(
        (&issued["new"], &statement["status"], &statement["total"]),
        (&true.into(), &"issued".into(), &"49.90".into())
    );
    assert_eq!(&it.json(&format!("statement show {id} 2026-09 --json")), statement);
    let again = it.json(&format!("statement issue {id} 2026-09 --json"));
    assert_eq!((&again["new"], &again["statement"]), (&false.into(), statement));
    fails(&it.run(&format!("statement issue {id} 9999-12")), 1, "month: 9999-12 has not begun");
    assert_eq!(it.json("statement issue --due --json")["issued"], 0);
    assert_eq!(it.json(&format!("statement recompute {id} 2026-09 --json"))["equal"], true);
    let listed = it.json(&format!("statement list --customer {id} --json"));
    assert!(listed["items"].as_array().unwrap().contains(statement));
    assert_eq!(it.json("statement list --month 2026-09 --json")["items"][0]["status"], "issued");
    let lines = it.run(&format!("statement export {id} 2026-09 --lines"));
    assert!(String::from_utf8(lines.stdout).unwrap().contains(",base_fee,Base fee,,,,,,,49.90,EUR\r\n"));
    for (what, head) in [("daily", "day,received,rejected,"), ("events", "event_id,type,timestamp,")] {
        let written = it.json(&format!("statement export {id} 2026-09 --{what} --output {what}.csv --json"));
        let text = std::fs::read_to_string(it.0.path().join(format!("{what}.csv"))).unwrap();
        assert!(text.starts_with(head), "{text}");
        assert_eq!(written["bytes"], text.len());
    }
    it.json(&format!("statement pdf {id} 2026-09 --output x.pdf --json"));
    assert!(std::fs::read(it.0.path().join("x.pdf")).unwrap().starts_with(b"%PDF-"));
    fails(&it.run(&format!("statement export {id} 2026-09 --lines --output no/such/place")), 1, "no/such/place");
    let used = it.json("rate-card list --json")["items"][0]["id"].as_str().unwrap().to_owned();
    std::fs::write(it.0.path().join("card.json"), CARD).unwrap();
    fails(
        &it.run(&format!("rate-card add-version {used} --file card.json")),
        1,
        "effective_from: 2026-09 has been issued",
    );
    fails(&it.run(&format!("rate-card update-version {used} 1 --file card.json")), 1, "version: ");
    fails(
        &it.run(&format!("rate-card assign --customer {id} --none --from 2026-09")),
        1,
        "from: 2026-09 has been issued",
    );
}

#[test]
fn what_is_wrong_with_a_card_is_said_by_field() {
    let it = Installation::new();
    let create = |text: &str| it.run_with_stdin("rate-card create --file - --json", text);
    for (was, is, field) in [
        ("\"EUR\"", "\"EURO\"", "currency: "),
        ("\"reach\"", "\"events\"", "figure: "),
        ("0.05", "0.0000001", "tiers.0.unit_price: At most 6 decimals"),
        ("\"up_to\": 10", "\"up_to\": 0", "tiers.0.up_to: "),
        ("{\"unit_price\"", "{\"up_to\": 5, \"unit_price\"", "tiers.1.up_to: "),
        ("\"included\": 2", "\"inclded\": 2", "inclded: There is no such member"),
        ("49.90", "49.905", "base_fee: At most 2 decimals"),
        ("2026-01", "January", "effective_from: "),
        ("Standard", "", "name: "),
        ("\"tiers\"", "tiers", "-: "),
    ] {
        assert!(CARD.contains(was), "{was}");
        fails(&create(&CARD.replacen(was, is, 1)), 1, field);
    }
    fails(&it.run("rate-card create --file absent.json"), 1, "absent.json");
    let unknown = "0199c0de-0000-7000-8000-000000000001";
    fails(&it.run_with_stdin(&format!("rate-card create --file - --customer {unknown}"), CARD), 1, "no customer");
    assert_eq!(it.json("rate-card list --json")["items"], serde_json::json!([]), "nothing was made");
    fails(&it.run(&format!("rate-card show {unknown}")), 1, "no rate card");
    fails(&it.run(&format!("rate-card assign --customer {unknown} --none --from 2026-01")), 1, "no customer");
    fails(&it.run(&format!("statement issue {unknown} 2026-01")), 1, "no customer");
    fails(&it.run("statement issue"), 2, "CUSTOMER");
}
