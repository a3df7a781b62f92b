//! `token`: tokens of programs, whether a server runs or not.

use coordinator::commands::{Reply, Request};
use coordinator::{AccessReply, AccessRequest, Token, rfc3339};
use serde::Serialize;

use super::unexpected;
use crate::cli::{RootArgument, TokenCommand};
use crate::clock::Clock;
use crate::exit::Ending;
use crate::output::{self, one_line, width};
use crate::reach::ask;
use crate::root::Root;
use crate::wrap::GAP;

pub(super) async fn run(what: TokenCommand) -> anyhow::Result<Ending> {
    match what {
        TokenCommand::Create { name, scopes, root } => {
            let request = AccessRequest::CreateToken { name, scopes: scopes.into_iter().collect() };
            let AccessReply::Created(secret) = done(&root, request).await? else { return Err(unexpected()) };
            output::data(secret.text())?;
            output::say("keep it: it is not shown again; programs send it as `Authorization: Bearer`");
        }
        TokenCommand::List { root, json } => {
            let AccessReply::Tokens(tokens) = done(&root, AccessRequest::Tokens).await? else {
                return Err(unexpected());
            };
            if json {
                tokens.iter().try_for_each(|token| output::json(&Line::new(token)))?;
            } else {
                output::lines(table(&tokens, &Clock::system()))?;
            }
        }
        TokenCommand::Revoke { name, root } => {
            let told = format!("the token `{name}` is revoked");
            done(&root, AccessRequest::RevokeToken(name)).await?;
            output::say(&told);
        }
    }
    Ok(Ending::Done)
}

async fn done(root: &RootArgument, request: AccessRequest) -> anyhow::Result<AccessReply> {
    match ask(&Root::new(&root.root)?, Request::Access(request)).await? {
        Reply::Access(reply) => Ok(reply),
        _ => Err(unexpected()),
    }
}

/// A token, as `--json` writes it.
#[derive(Debug, Serialize)]
struct Line<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
    created: String,
    last_used: Option<String>,
}

impl<'a> Line<'a> {
    fn new(token: &'a Token) -> Self {
        Self {
            name: &token.name,
            scopes: token.scopes.iter().map(|scope| scope.name()).collect(),
            created: rfc3339(token.created),
            last_used: token.used.map(rfc3339),
        }
    }
}

/// A line for each token, the header first; nothing without tokens.
fn table(tokens: &[Token], clock: &Clock) -> Vec<String> {
    let cells = |token: &Token| {
        let Line { scopes, .. } = Line::new(token);
        let used = token.used.map_or_else(|| "never".to_owned(), |used| clock.short(used));
        [one_line(&token.name), scopes.join(", "), clock.short(token.created), used]
    };
    let header = ["NAME", "SCOPES", "CREATED", "LAST USED"].map(str::to_owned);
    let rows: Vec<[String; 4]> = match tokens {
        [] => Vec::new(),
        _ => std::iter::once(header).chain(tokens.iter().map(cells)).collect(),
    };
    let widest: [usize; 4] =
        std::array::from_fn(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0));
    let line = |row: &[String; 4]| {
        let padded = row.iter().zip(widest).map(|(cell, widest)| {
            let spaces = widest - width(cell) + GAP;
            format!("{cell}{}", " ".repeat(spaces))
        });
        padded.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use coordinator::Scope;
    use job::Millis;

    use super::*;

    #[test]
    fn tokens_stand_below_each_other() {
        let token = |name: &str, scopes: &[Scope], used| Token {
            name: name.to_owned(),
            scopes: scopes.iter().copied().collect(),
            created: Millis(0),
            used,
        };
        let tokens = [
            token("monitoring", &[Scope::Read], Some(Millis(3_600_000))),
            token("é", &[Scope::Read, Scope::Control], None),
        ];
        let clock = Clock::fixed(Millis(2 * 3_600_000));
        assert_eq!(
            table(&tokens, &clock),
            [
                "NAME        SCOPES         CREATED  LAST USED",
                "monitoring  read           2 h ago  1 h ago",
                "é           read, control  2 h ago  never",
            ]
        );
        assert!(table(&[], &clock).is_empty());
    }
}
