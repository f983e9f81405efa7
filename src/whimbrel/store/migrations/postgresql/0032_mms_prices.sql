-- expand
-- What a message costs that goes as MMS.

-- NULL: as much as its text with the link to its media.
ALTER TABLE prices ADD COLUMN mms_price_micros bigint;
