//! Puts the site's files into the binary: writes `$OUT_DIR/site.rs`, the table that `src/assets.rs` includes.
//!
//! The files are those of the directory that `REACHLINE_SITE_DIR` names, where `site.tsv` lists them (`make build` sets
//! it; `frontend/bundle.mjs` writes it). Without it the table is empty: the server works, its pages have no script.

use std::{env, error::Error, fmt::Write as _, fs, path::Path};

#[expect(clippy::disallowed_methods, reason = "cargo talks to build scripts in environment variables")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=REACHLINE_SITE_DIR");
    let out = env::var("OUT_DIR")?;
    let mut rows = String::new();
    match env::var_os("REACHLINE_SITE_DIR") {
        Some(site) => rows = table(Path::new(&site), Path::new(&out))?,
        None if env::var("PROFILE")? == "release" => {
            println!("cargo::warning=built without style and script: `make build` puts them in");
        }
        None => {}
    }
    let table = format!("/// All files of the site.\npub(super) static FILES: &[File] = &[\n{rows}];\n");
    fs::write(Path::new(&out).join("site.rs"), table)?;
    Ok(())
}

/// Copies the files of `site` to `out` and returns the rows of the table.
fn table(site: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let list = site.join("site.tsv");
    println!("cargo::rerun-if-changed={}", list.display());
    let mut rows = String::new();
    for line in fs::read_to_string(&list)?.lines() {
        let &[role, name, content_type] = line.split('\t').collect::<Vec<_>>().as_slice() else {
            return Err(format!("{}: not three columns: {line}", list.display()).into());
        };
        let role = match role {
            "script" => "Role::Script",
            "wasm" => "Role::Wasm",
            "style" => "Role::Style",
            "icon" => "Role::Icon",
            _ => "Role::Other",
        };
        let include = |name: &str| -> Result<Option<String>, Box<dyn Error>> {
            if !site.join(name).is_file() {
                return Ok(None);
            }
            fs::copy(site.join(name), out.join(name))?;
            Ok(Some(format!("include_bytes!({:?})", out.join(name))))
        };
        let identity = include(name)?.ok_or_else(|| format!("{}: {name} is missing", list.display()))?;
        let option = |code: Option<String>| code.map_or("None".to_owned(), |code| format!("Some({code})"));
        let (brotli, gzip) = (option(include(&format!("{name}.br"))?), option(include(&format!("{name}.gz"))?));
        let url = format!("/assets/{name}");
        writeln!(
            rows,
            "    File {{ role: {role}, url: {url:?}, content_type: {content_type:?}, identity: {identity}, \
             brotli: {brotli}, gzip: {gzip} }},"
        )?;
    }
    Ok(rows)
}
