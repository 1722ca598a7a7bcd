//! The audit log: what is written into it.

use crate::account::named;
use serde::{Deserialize, Serialize};

named! {
    /// What was done.
    Action {
        ExportRequested = "export_requested", "Requested an export";
        ExportMade = "export_made", "Made an export";
        ExportFetched = "export_fetched", "Downloaded an export";
        ExportCancelled = "export_cancelled", "Cancelled an export";
        ExportDeleted = "export_deleted", "Deleted an export's file";
        ReportDrafted = "report_drafted", "Drafted a report";
        ReportApproved = "report_approved", "Approved a report";
        ReportDiscarded = "report_discarded", "Discarded a draft";
        DisclosureOn = "disclosure_on", "Switched the public page on";
        DisclosureOff = "disclosure_off", "Switched the public page off";
        HistoryBegun = "history_begun", "Began to import history";
        HistoryImported = "history_imported", "Imported history";
        /// The file changed while its events came in: it begins anew.
        HistorySetBack = "history_set_back", "Set an import back to its beginning";
        HistoryWithdrawn = "history_withdrawn", "Withdrew an import";
        LinkMade = "link_made", "Made an access link";
        LinkUsed = "link_used", "Opened an access link";
        LinkRevoked = "link_revoked", "Revoked an access link";
    }
}
