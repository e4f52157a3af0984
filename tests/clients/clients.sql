-- What the client tests share: a little shop with one column of every type that drivers care about.
CREATE TABLE customers (
    id serial PRIMARY KEY,
    email varchar(80) NOT NULL UNIQUE,
    name text NOT NULL,
    vip boolean NOT NULL DEFAULT false,
    joined date NOT NULL DEFAULT '2024-01-01'
);

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    sku text UNIQUE,
    quantity smallint NOT NULL DEFAULT 1 CHECK (quantity > 0),
    total numeric(10,2) NOT NULL,
    placed timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE everything (
    id bigint PRIMARY KEY,
    flag boolean,
    small smallint,
    number integer,
    big bigint,
    single real,
    double double precision,
    exact numeric(12,3),
    label text,
    code varchar(10),
    raw bytea,
    day date,
    clock time,
    moment timestamp,
    instant timestamptz,
    span interval,
    ident uuid,
    doc json,
    docb jsonb
);

INSERT INTO customers (email, name, vip, joined) VALUES
    ('ada@example.org', 'Ada', true, '2023-05-06'),
    ('bob@example.org', 'Bob', false, '2024-02-29'),
    ('eve@example.org', 'Eve', false, '2024-12-31');

INSERT INTO orders (id, customer_id, sku, quantity, total, placed) VALUES
    (1, 1, 'apple', 2, 12.50, '2024-03-01 10:00:00+00'),
    (2, 1, 'pear', 1, 7.00, '2024-03-02 11:30:00+00'),
    (3, 2, 'plum', 5, 100.05, '2024-03-03 00:00:00.25+00');

INSERT INTO everything VALUES
    (1, true, -32768, 2147483647, 9223372036854775807, 1.5, 0.1, 1234.500, 'grüße', 'code', '\x00ff10',
     '2024-02-29', '13:14:15.5', '2024-02-29 13:14:15.25', '2024-02-29 13:14:15+00', '1 day 02:03:04',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, 2]}', '{"b": null}'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
