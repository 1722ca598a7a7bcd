//! The state of pages, all of which is in their addresses.

use leptos_router::params::ParamsMap;
use serde::{Deserialize, Serialize};

macro_rules! parameters {
    ($(#[$of:meta])* $query:ident { $($(#[$doc:meta])* $name:ident),* $(,)? }) => {
        $(#[$of])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $query {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<String>),*
        }

        impl $query {
            /// Reads the parameters that are known; empty ones count as absent, as forms send them.
            #[must_use]
            pub fn from_params(params: &ParamsMap) -> Self {
                let get = |name: &str| params.get(name).filter(|value| !value.is_empty());
                Self { $($name: get(stringify!($name))),* }
            }

            /// Name and value of every parameter that is set.
            #[must_use]
            pub fn pairs(&self) -> Vec<(&'static str, &str)> {
                let all = [$((stringify!($name), self.$name.as_deref())),*];
                all.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect()
            }

            /// The address of `path` in this state.
            #[must_use]
            pub fn href(&self, path: &str) -> String {
                href(path, &self.pairs())
            }
        }
    };
}

parameters! {
    /// The parameters of the overview as they stand in the address: nothing here is checked yet.
    OverviewQuery {
        /// First day.
        from,
        /// The day after the last.
        to,
        /// The last day, as the form of two dates sends it; stands for `to`.
        last,
        /// `sandbox`, or production.
        tier,
        /// The steps of the chart.
        interval,
        /// What the chart shows.
        figure,
        /// What the table is broken down by.
        by,
        /// Whose figures an operator or auditor looks at.
        customer,
        application_id,
        helpline_id,
        country_code,
        contact_method,
        /// Where the table's page starts.
        cursor,
    }
}

parameters! {
    /// The parameters of the list behind a step of a statement, as they stand in the address.
    TrailQuery {
        /// Whose statement an operator or auditor looks at.
        customer,
        day,
        application_id,
        helpline_id,
        contact_method,
        /// The place in the customer's log up to which events take part.
        as_of,
        /// Where the list's page starts.
        cursor,
    }
}

/// An address with parameters.
#[must_use]
pub fn href(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut href = path.to_owned();
    for (i, (name, value)) in pairs.iter().enumerate() {
        href.push(if i == 0 { '?' } else { '&' });
        href.push_str(name);
        href.push('=');
        encode(value, &mut href);
    }
    href
}

/// The address of a list's page that starts at a cursor.
#[must_use]
pub fn with_cursor(path: &str, cursor: &str) -> String {
    let mut href = format!("{path}{}cursor=", if path.contains('?') { '&' } else { '?' });
    encode(cursor, &mut href);
    href
}

/// Percent-encodes a value of a query.
pub fn encode(value: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_encoded_and_leave_out_what_is_absent() {
        let query = OverviewQuery {
            from: Some("2026-11-01".into()),
            helpline_id: Some("a b&c=é".into()),
            ..OverviewQuery::default()
        };
        assert_eq!(query.href("/overview"), "/overview?from=2026-11-01&helpline_id=a%20b%26c%3D%C3%A9");
        assert_eq!(OverviewQuery::default().href("/overview"), "/overview");
    }
}
