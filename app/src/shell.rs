//! The HTML document around every page.

use leptos::{
    hydration::{AutoReload, HydrationScripts},
    nonce::use_nonce,
    prelude::*,
};
use leptos_meta::MetaTags;

use crate::App;

/// Where the browser finds the site's files.
///
/// `server::assets::site()` makes it from the table of files that travel inside the binary. The router passes it to
/// [`shell`] (`let site = assets::site(); … move || shell(options.clone(), &site)`), so that no page needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// Built without the site's files (`cargo test`, `cargo clippy`): pages work, without style and script.
    Absent,
    /// The files inside the binary, named after their content.
    Embedded {
        /// URL of the module that loads the wasm file and hydrates the page.
        script: &'static str,
        /// URL of the wasm file, for preloading.
        wasm: &'static str,
        /// URL of the style sheet.
        style: &'static str,
        /// URL of the icon in the browser's tab, if `style/favicon.svg` exists.
        icon: Option<&'static str>,
    },
    /// Served from disk under the names that `cargo leptos watch` gives them.
    Watched,
}

/// The document: head, links to the site's files and the [`App`].
///
/// Every script carries the nonce of the answer, so the content security policy can refuse all others; the router
/// reads the same nonce with [`use_nonce`] when it sets the policy.
pub fn shell(options: LeptosOptions, site: &Site) -> impl IntoView + use<> {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {links(options, site)}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Style sheet, icon and the script that hydrates.
fn links(options: LeptosOptions, site: &Site) -> AnyView {
    match *site {
        Site::Absent => ().into_any(),
        Site::Embedded { script, wasm, style, icon } => view! {
            <link rel="stylesheet" href=style />
            {icon.map(|icon| view! { <link rel="icon" type="image/svg+xml" href=icon /> })}
            <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
            <script type="module" src=script nonce=use_nonce()></script>
        }
        .into_any(),
        Site::Watched => {
            let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
            view! {
                <link rel="stylesheet" href=style />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
            }
            .into_any()
        }
    }
}
