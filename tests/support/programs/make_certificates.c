/* make_certificates FOLDER: certificates for tests with real clients, named as
 * tests/support/certificates.c says. */
#include "tests/support/certificates.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    certificates_write_all(argv[1]);
    return 0;
}
