//! The server's log.

use axum::extract::State;
use serde::Deserialize;

use super::Api;
use crate::extract::Query;
use crate::log::{LogLevel, LogPage};
use crate::problem::{Problem, Problems};

/// Lines that one answer has where nothing else is asked for.
const USUAL_LINES: usize = 200;
/// Most lines of one answer.
const MOST_LINES: usize = 1000;

/// Which lines are asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogQuery {
    /// The number of the last line that is known, or what `next` had; without it, the last lines are given.
    after: Option<u64>,
    /// The least severe level; `info` where it is left out.
    #[param(inline)]
    level: Option<LogLevel>,
    /// Most lines of the answer, from 1 to 1000; 200 where it is left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The last lines of the log
///
/// About a megabyte of it is kept since the start of the server; all of it is in the files in `logs/`.
#[utoipa::path(get, path = "/log", tag = "server", params(LogQuery), responses((status = OK, body = LogPage), Problems))]
pub(crate) async fn lines(
    State(api): State<Api>,
    Query(LogQuery { after, level, limit }): Query<LogQuery>,
) -> Result<axum::Json<LogPage>, Problem> {
    let limit = limit.unwrap_or(USUAL_LINES);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(Problem::bad_request(format!("limit is a number from 1 to {MOST_LINES}")));
    }
    Ok(axum::Json(api.log.page(after, level.unwrap_or(LogLevel::Info), limit)))
}
