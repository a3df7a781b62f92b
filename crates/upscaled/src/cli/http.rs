//! The options and commands about what a server answers over HTTP, and who may use it.

use std::net::SocketAddr;

use clap::{Args, Subcommand};
use coordinator::Scope as TokenScope;

use super::RootArgument;
use crate::choice;

/// Where a server answers over HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct HttpChoice {
    /// Show the page and answer the API at this address, which may be given several times; a port alone is one of this machine.
    /// One that other machines reach needs a password: see `upscaled password` [default: 127.0.0.1:8100]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = choice::address, env = "UPSCALED_LISTEN", value_delimiter = ',')]
    pub(crate) listen: Vec<SocketAddr>,
    /// Answer to this name too, under which a reverse proxy passes requests on; may be given several times
    #[arg(long, value_name = "NAME", value_parser = choice::host)]
    pub(crate) host: Vec<String>,
    /// Show no page and answer no API, whatever else is said
    #[arg(long)]
    pub(crate) no_http: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PasswordChange {
    /// Remove the password: a server that listens on this machine alone is open to all its users, and one that other machines
    /// reach answers tokens alone
    #[arg(long)]
    pub(crate) remove: bool,
    #[command(flatten)]
    pub(crate) root: RootArgument,
}

#[derive(Debug, Args)]
pub(crate) struct WebhookArguments {
    #[command(subcommand)]
    pub(crate) what: WebhookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Send a test to the webhooks in upscaled.toml, and say what came back
    Test {
        /// Only to this one, counted from 1 on
        #[arg(value_name = "NUMBER")]
        number: Option<usize>,
        #[command(flatten)]
        root: RootArgument,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) what: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and write it to standard output, this once
    Create {
        /// What it is to be called
        #[arg(value_name = "NAME")]
        name: String,
        /// What its holder may do: read (look), control (also change jobs and bring videos) or admin (all)
        #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = choice::token_scope, value_delimiter = ',')]
        scopes: Vec<TokenScope>,
        #[command(flatten)]
        root: RootArgument,
    },
    /// List the tokens, without what programs send
    List {
        #[command(flatten)]
        root: RootArgument,
        /// Write JSON, a line a token
        #[arg(long)]
        json: bool,
    },
    /// Revoke a token: nothing is done with it any more
    Revoke {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        root: RootArgument,
    },
}
