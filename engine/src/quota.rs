//! The daily quota of catalogue calls.

use crate::actor::ApiClient;
use crate::auth::ApiScope;
use crate::error::Error;
use crate::{Engine, store};
use domain::quota::{Standing, first_counted_hour, hour};

/// How long this process may be away while it counts a call: other processes wait for the customer's row meanwhile.
const IDLE_MAX: std::time::Duration = std::time::Duration::from_secs(4);

impl Engine {
    /// Counts a catalogue call of the client's customer. One that is over the quota is not counted.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without the scope for the catalogue.
    pub async fn charge_catalogue_call(&self, client: &ApiClient) -> Result<Standing, Error> {
        client.require(ApiScope::HelplinesRead)?;
        let now = self.now();
        let own = client.application.customer.record.customer.limits.catalogue_quota_per_day;
        let limit = i64::from(own.unwrap_or(self.0.settings.catalogue_quota_per_day));
        let mut tx = self.0.db.begin().await?;
        tx.give_up_when_idle(IDLE_MAX).await?;
        let customer = client.customer_no();
        let first = first_counted_hour(now);
        let (used, oldest) = store::limits::count_catalogue_call(&mut tx, customer, hour(now), first).await?;
        let standing = Standing::new(limit, used, oldest, now);
        if standing.allowed {
            tx.commit().await?;
        }
        Ok(standing)
    }
}
