/* sql/tree_walk.c: see tree_walk.h. */
#include "sql/tree_walk.h"

enum { walk_depth_max = 2000 };

struct walk {
    tree_visit_fn *visit;
    void *arg;
    unsigned depth;
};

static void walk_message(struct walk *w, const ProtobufCMessage *message);

static void walk_field(struct walk *w, const ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    const char *base = (const char *)message;

    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t count = *(const size_t *)(const void *)(base + field->quantifier_offset);
        const ProtobufCMessage *const *items =
            *(const ProtobufCMessage *const *const *)(const void *)(base + field->offset);
        for (size_t i = 0; i < count; i++) {
            walk_message(w, items[i]);
        }
        return;
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *(const uint32_t *)(const void *)(base + field->quantifier_offset) != field->id) {
        return;
    }
    walk_message(w, *(const ProtobufCMessage *const *)(const void *)(base + field->offset));
}

/* No deeper than the grammar's own limit on depth. */
static void walk_message(struct walk *w, const ProtobufCMessage *message)
{
    if (message == NULL || w->depth >= walk_depth_max || !w->visit(w->arg, message)) {
        return;
    }
    w->depth++;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        walk_field(w, message, &message->descriptor->fields[i]);
    }
    w->depth--;
}

void tree_walk(const ProtobufCMessage *message, tree_visit_fn *visit, void *arg)
{
    struct walk w = { .visit = visit, .arg = arg };

    walk_message(&w, message);
}
