//! The calls of the page of access links.

use crate::codec::JsonText;
use crate::drawn::Html;
use crate::error::UiError;
use crate::forms::AccessLinkInput;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;

#[cfg(feature = "ssr")]
use crate::{
    context,
    data::{answering, id, links, submitting},
    pages,
};

/// The access links to a customer, or all.
#[server(endpoint = "pages/access_links", input = GetUrl, output = JsonText)]
pub async fn access_links_page(
    #[server(default)] customer: Option<String>,
    #[server(default)] cursor: Option<String>,
) -> Result<Html, UiError> {
    answering(async { Ok(Html::of(pages::links::draw(links::access_links(customer, cursor).await?))) }).await
}

/// Makes an access link to a customer, or to `all`. Those who belong to a customer need not name it.
#[server(endpoint = "make_access_link", output = JsonText)]
pub async fn make_access_link(
    #[server(default)] customer: String,
    #[server(default)] form: AccessLinkInput,
) -> Result<(), UiError> {
    let listed = if customer == links::ALL { "" } else { &customer };
    let (page, done) = (links::path(listed, &[]), links::path(listed, &[("done", "link_made")]));
    submitting(links::form_of(listed), &form, &page, &done, async {
        let (engine, user) = context::acting().await?;
        let keeper = engine.link_keeper(&user, links::chosen_for_new(&user, &customer)?)?;
        links::hand_over(&engine.make_link(&keeper, &form.form(), &user.acts_as()).await?);
        Ok(())
    })
    .await
}

/// Revokes an access link. Where a customer is named, it is the list of that one's links from which it is asked for.
#[server(endpoint = "revoke_access_link", output = JsonText)]
pub async fn revoke_access_link(#[server(default)] customer: String, link: String) -> Result<(), UiError> {
    let (page, done) = (links::path(&customer, &[]), links::path(&customer, &[("done", "link_revoked")]));
    submitting("access links".to_owned(), &(), &page, &done, async {
        let (engine, user) = context::acting().await?;
        let keeper = engine.link_keeper(&user, links::chosen(&customer)?)?;
        engine.revoke_link(&keeper, id(&link)?, &user.acts_as()).await?;
        Ok(())
    })
    .await
}
