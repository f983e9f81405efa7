-- expand
-- When contacts were last written to, wrote and clicked, and since when they have opted out of all senders: what segments
-- may ask of them.
ALTER TABLE contacts ADD COLUMN last_sent_at bigint;
ALTER TABLE contacts ADD COLUMN last_received_at bigint;
ALTER TABLE contacts ADD COLUMN last_clicked_at bigint;
ALTER TABLE contacts ADD COLUMN opted_out_at bigint;
CREATE INDEX opt_outs_by_number ON opt_outs (number) WHERE scope IS NULL AND number IS NOT NULL;
UPDATE contacts SET opted_out_at = o.created_at FROM opt_outs AS o
WHERE contacts.account_id = o.account_id AND contacts.test = 0 AND contacts.number = o.number AND o.scope IS NULL;
