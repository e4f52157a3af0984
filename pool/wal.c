/* pool/wal.c: see wal.h. */
#include "pool/wal.h"

#include <string.h>

/* Numbers are big-endian; checksums add up words as this machine has them, which the magic tells.
 */
enum { magic = 0x377f0682, format = 3007000 };

static void put(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static void add_up(uint32_t sum[2], const uint8_t *bytes, size_t len)
{
    uint32_t a = sum[0];
    uint32_t b = sum[1];

    for (size_t i = 0; i < len; i += 8) {
        uint32_t word[2];

        memcpy(word, bytes + i, sizeof(word));
        a += word[0] + b;
        b += word[1] + a;
    }
    sum[0] = a;
    sum[1] = b;
}

static void put_sum(uint8_t *to, const uint32_t sum[2])
{
    put(to, sum[0]);
    put(to + 4, sum[1]);
}

void wal_begin(struct wal *wal, uint32_t page_bytes, uint32_t salt,
               uint8_t header[wal_header_bytes])
{
    *wal = (struct wal){
        .page_bytes = page_bytes,
        .sequence = wal->sequence + 1,
        .salt = { wal->salt[0] + 1, salt },
    };
    put(header, magic | (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__));
    put(header + 4, format);
    put(header + 8, page_bytes);
    put(header + 12, wal->sequence);
    put(header + 16, wal->salt[0]);
    put(header + 20, wal->salt[1]);
    add_up(wal->sum, header, 24);
    put_sum(header + 24, wal->sum);
}

void wal_frame(struct wal *wal, uint32_t number, uint32_t pages, const uint8_t *page,
               uint8_t header[wal_frame_bytes])
{
    put(header, number);
    put(header + 4, pages);
    add_up(wal->sum, header, 8);
    add_up(wal->sum, page, wal->page_bytes);
    put(header + 8, wal->salt[0]);
    put(header + 12, wal->salt[1]);
    put_sum(header + 16, wal->sum);
}
