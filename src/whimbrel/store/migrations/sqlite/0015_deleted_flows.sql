-- expand
-- Flows that are deleted and whose runs are being ended: few, and never for long.
CREATE INDEX flows_deleted ON flows (id) WHERE status = 'deleted';
