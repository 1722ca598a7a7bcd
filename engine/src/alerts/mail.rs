//! Sending e-mail.

use super::deliver::Sent;
use domain::Timestamp;
use domain::alert::Outcome;
use domain::ids::DeliveryId;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::time::{Duration, UNIX_EPOCH};

/// How long the server may take for each step of a conversation …
const STEP_MAX: Duration = Duration::from_secs(10);
/// … and for all of it.
const CONVERSATION_MAX: Duration = Duration::from_secs(30);

/// Hands e-mail to a server.
pub(crate) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// A text for one address.
pub(super) struct Letter<'a> {
    /// The same at each attempt, so that who gets it twice can tell.
    pub id: DeliveryId,
    pub to: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
}

/// Whether mail can be sent to an address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

impl Mailer {
    /// Prepares to speak to the server of an SMTP URL. Connections are made when needed.
    ///
    /// # Errors
    /// What is wrong with the URL or the sender's address, in a sentence for the operator.
    pub(crate) fn new(url: &str, from: &str) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("the SMTP URL cannot be used: {error}"))?;
        let from = from.parse().map_err(|error| format!("the sender's address cannot be used: {error}"))?;
        Ok(Self { transport: builder.timeout(Some(STEP_MAX)).build(), from })
    }

    pub(super) async fn send(&self, letter: &Letter<'_>, now: Timestamp) -> Sent {
        let message = match self.message(letter, now) {
            Ok(message) => message,
            Err(error) => return Sent::new(Outcome::Refused, None, &format!("cannot be written: {error}")),
        };
        match tokio::time::timeout(CONVERSATION_MAX, self.transport.send(message)).await {
            Err(_) => Sent::new(Outcome::Failed, None, "the mail server took too long"),
            Ok(Ok(response)) => Sent::new(Outcome::Delivered, Some(response.code().into()), ""),
            Ok(Err(error)) => {
                let code: Option<u16> = error.status().map(Into::into);
                Sent::new(code.map_or(Outcome::Failed, Outcome::of_smtp), code, &super::deliver::causes(&error))
            }
        }
    }

    fn message(&self, letter: &Letter<'_>, now: Timestamp) -> Result<Message, String> {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        let to: Address = letter.to.parse().map_err(|error| format!("{error}"))?;
        Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            // So that nobody's out-of-office reply comes back (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()))
            .singlepart(SinglePart::plain(letter.body.to_owned()))
            .map_err(|error| error.to_string())
    }
}

/// Checks the settings of e-mail: the URL of the server and the sender's address.
///
/// # Errors
/// What is wrong, in a sentence for the operator.
pub fn check_mail_settings(smtp_url: &str, mail_from: &str) -> Result<(), String> {
    Mailer::new(smtp_url, mail_from).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        for (url, from, good) in [
            ("smtp://localhost:25", "Reachline <alerts@example.org>", true),
            ("smtps://user:pass%40word@mail.example.org", "alerts@example.org", true),
            ("smtp://user:password@mail.example.org:587?tls=required", "alerts@example.org", true),
            ("smtp://mail.example.org", "nobody", false),
            ("smtp://mail.example.org?tls=maybe", "alerts@example.org", false),
            ("https://mail.example.org", "alerts@example.org", false),
            ("mail.example.org", "alerts@example.org", false),
        ] {
            assert_eq!(check_mail_settings(url, from).is_ok(), good, "{url} {from}");
        }
    }
}
