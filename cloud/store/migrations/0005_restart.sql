-- How far its owner lets us go with a device that does not answer: '' (not at
-- all), 'network' or 'reboot'.
ALTER TABLE devices ADD COLUMN restart TEXT NOT NULL DEFAULT '';
