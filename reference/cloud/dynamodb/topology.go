package dynamodb

import "log/slog"

// keepTopologies makes durable what has become of the partitions, so that a restart does not
// throw a table back to where it started. It happens once for a cut, which takes minutes of heat;
// the request that finds it to do waits for it.
func (s *Service) keepTopologies() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reshaped.Swap(false) {
		return // another request has done it
	}
	for _, t := range *s.tables.Load() {
		all, changed := t.meter.topologies()
		if !changed {
			continue
		}
		d := *t.definition
		d.Topologies = all
		if err := s.saveTable(&table{definition: &d, schema: t.schema, meter: t.meter}); err != nil {
			// The partitions are as they are; only a restart would not know.
			s.log.Warn("dynamodb_topology_not_kept", slog.String("table", d.TableName), slog.Any("error", err))
		}
	}
}
