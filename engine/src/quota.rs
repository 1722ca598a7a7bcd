//! The daily quota of catalogue calls.

use crate::actor::ApiClient;
use crate::auth::ApiScope;
use crate::error::Error;
use crate::{Engine, store};
use domain::quota::{Standing, first_counted_hour, hour};

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
        let hours = (first_counted_hour(now), hour(now));
        let counted = store::limits::count_catalogue_call(&self.0.db, client.customer_no(), hours, limit).await?;
        let (used, oldest) = counted;
        Ok(Standing::new(limit, used, oldest, now))
    }
}
