//! What browsers get: the dashboard, its files, downloads and the documentation.

pub mod access;
pub mod billing;
pub mod defence;
pub mod disclosure;
pub mod download;
pub mod exports;
pub mod page;
pub mod reports;
pub mod sessions;

use crate::http::error::ApiError;
use crate::http::observe::is_api;
use crate::openapi::docs;
use crate::state::AppState;
use app::context::PublicUrl;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{Method, StatusCode};
use leptos::prelude::provide_context;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_to_stream_with_context};

/// Everything that is not the API. Its fallback answers every path that nothing else knows.
pub fn routes(state: &AppState) -> Router<AppState> {
    let pages = generate_route_list(app::App);
    let options = state.leptos_options();
    let site = crate::assets::site();
    let provider = state.clone();
    let context = move || provide(&provider);
    Router::new()
        .leptos_routes_with_context(state, pages, context, move || app::shell(options.clone(), &site))
        .route("/download/summary.csv", get(download::summary))
        .route("/download/timeseries.csv", get(download::timeseries))
        .route("/download/breakdown.csv", get(download::breakdown))
        .route("/download/intake.csv", get(download::intake))
        .route("/download/statement.pdf", get(billing::pdf))
        .route("/download/statement-lines.csv", get(billing::lines))
        .route("/download/statement-days.csv", get(billing::days))
        .route("/download/statement-events.csv", get(billing::events))
        .route("/download/report.csv", get(reports::csv))
        .route("/download/report.json", get(reports::json))
        .route("/download/reports.csv", get(reports::all))
        .route("/download/exports/{export}", get(exports::file))
        .route("/download/exports/{export}/manifest", get(exports::manifest))
        .route("/download/report.pdf", get(reports::pdf))
        .route("/disclosures/{id}", get(disclosure::page))
        .route("/disclosures/{id}/widget", get(disclosure::widget))
        .route("/disclosures/{id}/report.json", get(disclosure::data))
        .route("/access/{token}", get(access::page).post(access::open))
        .route("/docs", get(docs::page))
        .route("/docs/style.css", get(docs::style))
        .fallback(not_found)
        .method_not_allowed_fallback(page::method_not_allowed)
        .layer(from_fn(sessions::keep_alive))
        .layer(sessions::layer(state))
        .layer(from_fn_with_state(state.clone(), defence::defend))
}

/// What pages and their calls find in their context.
fn provide(state: &AppState) {
    provide_context(state.engine.clone());
    if let Some(url) = &state.config.public_url {
        provide_context(PublicUrl(url.trim_end_matches('/').to_owned()));
    }
    defence::set_page_policy();
}

/// The page for paths that lead nowhere, drawn by the dashboard itself; a problem for programs.
async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    if is_api(request.uri().path()) {
        return ApiError::NotFound.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return page::not_found();
    }
    let (options, site) = (state.leptos_options(), crate::assets::site());
    let context = move || provide(&state);
    let mut response =
        render_app_to_stream_with_context(context, move || app::shell(options.clone(), &site))(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}
