-- What its owner has written about a device.
ALTER TABLE devices ADD COLUMN notes TEXT NOT NULL DEFAULT '';
