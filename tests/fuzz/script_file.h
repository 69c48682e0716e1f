/* script_file: scripts out of files: transcripts (docs/TRANSCRIPT.md), dialogues
 * ("C hex" and "S hex" lines) and plain streams of one side. */
#ifndef FUZZ_SCRIPT_FILE_H
#define FUZZ_SCRIPT_FILE_H

#include "tests/fuzz/script.h"

/* Read a file into the script, by the end of its name: .smtp, .dlg, .c2s, .s2c.
 * False and a sentence if it cannot be read or is none of these. */
bool script_read(struct script *, const char *path, char error[200]);

#endif
