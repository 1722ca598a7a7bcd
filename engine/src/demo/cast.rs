//! Who takes part in the demonstration: customers, their applications, people. All of it is made up; names end in
//! `.example`, which nobody can register.

use domain::account::{Role, Tier};

/// The catalogue of the demonstration, in the API's own JSON.
///
/// Its 40 helplines do not exist, and every description says so. Phone numbers come from the ranges that regulators
/// set aside for fiction (North America 555-01xx, United Kingdom 0808 157 0xxx, 020 7946 0xxx and 07700 900xxx,
/// Ireland 020 91x xxxx, Australia 1800 975 707 to 711 and 0491 570 xxx, Germany 030 23125 xxx, 040 66969 xxx,
/// 089 99998 xxx and 0176 040690 xx, France 01 99 00 xx xx and 06 39 98 xx xx). The other countries have no such
/// range: there the numbers begin with digits that no number can begin with, and so lead nowhere. Only the emergency
/// numbers are real.
pub const HELPLINES_JSON: &[u8] = include_bytes!("helplines.json");

/// The password of all people of the demonstration. Public: an installation that keeps it is a demonstration.
pub const PASSWORD: &str = "demo-password";

/// A customer of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoCustomer {
    pub name: &'static str,
    /// IANA name.
    pub time_zone: &'static str,
}

/// An application of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoApplication {
    /// Whose: an index of [`CUSTOMERS`].
    pub customer: usize,
    pub name: &'static str,
    pub tier: Tier,
}

/// A person of the demonstration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoUser {
    pub email: &'static str,
    pub name: &'static str,
    pub role: Role,
    /// Of customer roles: an index of [`CUSTOMERS`].
    pub customer: Option<usize>,
}

const LUMEN: usize = 0;
const HARBOUR: usize = 1;

/// An AI chat app in America and a social network in Europe.
pub const CUSTOMERS: [DemoCustomer; 2] = [
    DemoCustomer { name: "Lumen Chat", time_zone: "America/New_York" },
    DemoCustomer { name: "Harbour Social", time_zone: "Europe/Berlin" },
];

/// The applications; an event of the traffic names one by its index.
pub const APPLICATIONS: [DemoApplication; 7] = [
    DemoApplication { customer: LUMEN, name: "Lumen web", tier: Tier::Production },
    DemoApplication { customer: LUMEN, name: "Lumen mobile", tier: Tier::Production },
    DemoApplication { customer: LUMEN, name: "Lumen sandbox", tier: Tier::Sandbox },
    DemoApplication { customer: HARBOUR, name: "Harbour web", tier: Tier::Production },
    DemoApplication { customer: HARBOUR, name: "Harbour mobile", tier: Tier::Production },
    DemoApplication { customer: HARBOUR, name: "Harbour mobile beta", tier: Tier::Production },
    DemoApplication { customer: HARBOUR, name: "Harbour sandbox", tier: Tier::Sandbox },
];

/// The integration that reports clicks without the displays before them: an index of [`APPLICATIONS`].
pub const BAD_INTEGRATION: usize = 5;

/// The people: one of each role, and both roles of both customers.
pub const USERS: [DemoUser; 6] = [
    DemoUser { email: "operator@reachline.example", name: "Olive Operator", role: Role::Operator, customer: None },
    DemoUser { email: "auditor@reachline.example", name: "Aubrey Auditor", role: Role::Auditor, customer: None },
    DemoUser { email: "admin@lumen.example", name: "Ada Lumen", role: Role::CustomerAdmin, customer: Some(LUMEN) },
    DemoUser { email: "viewer@lumen.example", name: "Vik Lumen", role: Role::Viewer, customer: Some(LUMEN) },
    DemoUser {
        email: "admin@harbour.example",
        name: "Anke Harbour",
        role: Role::CustomerAdmin,
        customer: Some(HARBOUR),
    },
    DemoUser { email: "viewer@harbour.example", name: "Vera Harbour", role: Role::Viewer, customer: Some(HARBOUR) },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::parse_helplines_json;
    use domain::account::{PASSWORD_CHARS_MIN, UserForm};
    use domain::event::ContactMethod;
    use domain::helpline::{Availability, Helpline};
    use std::collections::HashSet;

    fn helplines() -> Vec<Helpline> {
        parse_helplines_json(HELPLINES_JSON).unwrap().into_iter().map(|(_, helpline)| helpline).collect()
    }

    #[test]
    fn forty_helplines_in_twelve_countries_fill_every_field() {
        let all = helplines();
        assert_eq!(all.len(), 40);
        assert_eq!(all.iter().map(|h| &h.id).collect::<HashSet<_>>().len(), 40);
        assert_eq!(all.iter().map(|h| &h.name).collect::<HashSet<_>>().len(), 40);
        let countries: HashSet<_> = all.iter().map(|h| h.country.code).collect();
        assert_eq!(countries.len(), 12);
        for country in countries {
            let first = all.iter().filter(|h| h.country.code == country && h.priority).count();
            assert_eq!(first, 1, "{country} has one priority helpline");
        }
        for helpline in &all {
            assert!(ContactMethod::ALL.into_iter().any(|method| helpline.offers(method)));
            assert!(helpline.country.emergency_number.is_some() && !helpline.topics.is_empty());
            assert!(helpline.hours.always_open == helpline.hours.periods.is_empty(), "{}", helpline.name);
        }
        for method in ContactMethod::ALL {
            assert!(all.iter().filter(|h| h.offers(method)).count() >= 10, "{method:?}");
        }
        for availability in Availability::ALL {
            assert!(all.iter().any(|h| h.availability == *availability));
        }
        let closes_after_midnight = |h: &Helpline| h.hours.periods.iter().any(|p| p.close < p.open);
        assert!(all.iter().any(closes_after_midnight));
    }

    #[test]
    fn no_helpline_can_be_mistaken_for_a_real_one() {
        // What follows the country code in numbers that are set aside for fiction, or cannot exist.
        let fictions = [
            ("US", &["555 01"][..]),
            ("CA", &["555 01"]),
            ("GB", &["+44 808 157 0", "+44 20 7946 0", "+44 7700 900"]),
            ("IE", &["+353 20 91"]),
            ("AU", &["+61 1800 975 707", "+61 1800 975 708", "+61 1800 975 709", "+61 1800 975 710", "+61 491 570 "]),
            ("NZ", &["+64 1 "]),
            ("DE", &["+49 30 23125 ", "+49 40 66969 ", "+49 89 99998 ", "+49 176 040690 "]),
            ("FR", &["+33 1 99 00 ", "+33 6 39 98 "]),
            ("ES", &["+34 000 "]),
            ("IN", &["+91 00000 "]),
            ("NP", &["+977 0 "]),
            ("JP", &["+81 0 "]),
        ];
        for helpline in helplines() {
            assert!(helpline.description.is_some_and(|text| text.starts_with("Fictitious: for demonstration.")));
            for url in [&helpline.website, &helpline.web_chat_url, &helpline.whatsapp_url].into_iter().flatten() {
                let host = url.trim_start_matches("https://").split('/').next().unwrap();
                assert!(url.starts_with("https://") && host.ends_with(".example"), "{url}");
            }
            let (_, ranges) = fictions.iter().find(|(code, _)| *code == helpline.country.code.as_str()).unwrap();
            for number in [&helpline.phone_number, &helpline.sms_number].into_iter().flatten() {
                assert!(ranges.iter().any(|range| number.contains(range)), "{number}");
            }
        }
    }

    #[test]
    fn the_cast_is_complete() {
        assert!(PASSWORD.len() >= PASSWORD_CHARS_MIN);
        for role in Role::ALL {
            assert!(USERS.iter().any(|user| user.role == *role));
        }
        for user in USERS {
            assert_eq!(user.customer.is_some(), user.role.is_of_customer());
            assert!(user.email.ends_with(".example"));
            let customer_id = user.customer.map(|_| domain::CustomerId::from_uuid(uuid::Uuid::nil()));
            let (email, name, password) = (user.email.into(), user.name.into(), Some(PASSWORD.to_owned()));
            assert!(UserForm { email, name, role: user.role, customer_id, password }.check(true).is_ok());
        }
        for customer in CUSTOMERS {
            assert!(customer.time_zone.parse::<domain::Zone>().is_ok());
        }
        assert_eq!(APPLICATIONS[BAD_INTEGRATION].name, "Harbour mobile beta");
        for customer in 0..CUSTOMERS.len() {
            for tier in Tier::ALL {
                assert!(APPLICATIONS.iter().any(|a| a.customer == customer && a.tier == *tier));
            }
        }
    }
}
