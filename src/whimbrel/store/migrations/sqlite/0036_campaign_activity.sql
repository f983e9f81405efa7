-- expand
-- optional
-- Who did something with the text of a campaign is found without reading those who did nothing.

CREATE INDEX campaign_recipients_active ON campaign_recipients (campaign_id, id)
WHERE COALESCE(clicked_at, answered_at, opted_out_at, converted_at) IS NOT NULL;
