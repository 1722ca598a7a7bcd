-- Lists of all customers' reports and exports, newest first: ids begin with the time.
CREATE INDEX reports_by_id ON reports (id);
CREATE INDEX exports_by_id ON exports (id);
