-- One million rows of six types; plain SQL that pond and PostgreSQL both take unchanged.

CREATE TABLE scan (
    id integer PRIMARY KEY,
    amount integer NOT NULL,
    price numeric(10,2) NOT NULL,
    created_at timestamptz NOT NULL,
    label text NOT NULL,
    active boolean NOT NULL
);

INSERT INTO scan
SELECT i, i * 1009 % 100003, (i % 100000) / 100.0, timestamptz '2024-01-01 00:00:00+00' + i * interval '1 second',
       'label ' || i * 2003 % 1000003, i % 3 = 0
FROM generate_series(1, 1000000) AS g(i);

-- The same without rows, for COPY FROM.
CREATE TABLE copied (
    id integer PRIMARY KEY,
    amount integer NOT NULL,
    price numeric(10,2) NOT NULL,
    created_at timestamptz NOT NULL,
    label text NOT NULL,
    active boolean NOT NULL
);
