//! Billing in the description: examples that fit together, as a reader follows them from the total down to an event.

use serde_json::{Value, json};

/// Completes the description of billing.
pub fn complete(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let statement = statement();
    schemas["Usage"]["example"] = json!({
        "month": "2026-11", "time_zone": "Europe/London", "waterfall": waterfall(), "statement": statement,
    });
    schemas["Statements"]["example"] = json!({"statements": [statement], "next_cursor": null});
    schemas["Statement"]["example"] = statement;
    schemas["BilledEvents"]["example"] = events();
    schemas["StepCounts"]["example"] = step_counts();
}

fn waterfall() -> Value {
    json!({
        "figure": "reach", "received": 15_480,
        "rejected": {"timestamp_too_old": 20, "helpline_unknown": 10}, "rejected_total": 30, "duplicates": 150,
        "sandbox": 300, "other_kind": 2_000, "gross": 13_000, "repeats": 500, "net": 12_500, "not_unique": 155,
        "billable": 12_345,
    })
}

/// 1,000 of 12,345 are free; 10,000 at 0.0375 are 375.00, and 1,345 at 0.012505 are 16.82.
fn statement() -> Value {
    let mut before = waterfall();
    for (step, count) in [("received", 15_477), ("gross", 12_997), ("net", 12_497), ("billable", 12_342)] {
        before[step] = json!(count);
    }
    let tier = |tier: u32, from: u32, up_to: Option<u32>, quantity: u32, price: &str, amount: &str, text: &str| {
        json!({
            "kind": "tier", "description": text, "tier": tier, "from": from, "up_to": up_to, "quantity": quantity,
            "unit_price": price, "amount": amount,
        })
    };
    json!({
        "number": "2026-11-0001", "month": "2026-11", "time_zone": "Europe/London", "status": "issued",
        "issued_at": "2026-12-06T00:00:12.345Z", "forecast": null, "currency": "EUR", "total": "441.76",
        "rate_card": {
            "id": "019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee", "name": "Standard", "version": 1, "effective_from": "2026-01",
            "currency": "EUR", "figure": "reach", "included": 1_000,
            "tiers": [{"up_to": 10_000, "unit_price": "0.0375"}, {"up_to": null, "unit_price": "0.012505"}],
            "base_fee": "49.90", "minimum": "100.00",
        },
        "lines": [
            {"kind": "base_fee", "description": "Base fee", "quantity": null, "unit_price": null, "amount": "49.90"},
            {"kind": "included", "description": "Reach, included", "quantity": 1_000, "unit_price": "0", "amount": "0.00"},
            tier(1, 1, Some(10_000), 10_000, "0.0375", "375.00", "Reach, tier 1: 1 to 10,000"),
            tier(2, 10_001, None, 1_345, "0.012505", "16.82", "Reach, tier 2: from 10,001"),
            {
                "kind": "adjustment", "description": "Adjustment of October 2026", "month": "2026-10", "quantity": 3,
                "unit_price": null, "amount": "0.04",
            },
        ],
        "adjustments": [{
            "month": "2026-10", "before": before, "after": waterfall(), "billed": "441.68", "recomputed": "441.72",
            "amount": "0.04",
        }],
        "waterfall": waterfall(), "log_length": 15_300,
    })
}

fn events() -> Value {
    json!({
        "month": "2026-11", "time_zone": "Europe/London", "figure": "reach",
        "events": [{
            "event_id": "019ab4c2-7d1e-8c3a-9f00-2b64a1c0ffee", "type": "helpline_display",
            "timestamp": "2026-11-24T09:30:00.000Z", "contact_method": null,
            "application_id": "019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee", "application_name": "web",
            "helpline_id": "gb-evenlight", "helpline_name": "Evenlight", "place": 14_021,
            "why": {
                "outcome": "repeats", "is_kept": false, "is_billed": false, "because_of": "2026-11-24T09:30:12.000Z",
                "attributed": null,
            },
        }],
        "next_cursor": null, "as_of": 15_300,
    })
}

fn step_counts() -> Value {
    let name = |id: &str, name: &str, events: u32| json!({"id": id, "name": name, "events": events});
    json!({
        "month": "2026-11", "step": "billable", "figure": "reach", "total": 12_345, "stated": 12_345,
        "by_day": [{"day": "2026-11-23", "events": 6_000}, {"day": "2026-11-24", "events": 6_345}],
        "by_application": [name("019ab4c2-7d1e-7c3a-9f00-2b64a1c0ffee", "web", 12_345)],
        "by_helpline": [name("gb-evenlight", "Evenlight", 12_345)],
        "by_code": [], "as_of": 15_300,
    })
}
