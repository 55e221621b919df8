/* SPDX-License-Identifier: Apache-2.0 */
/* What --change makes of a config is a config that `run` takes. Each line of the input is one instruction. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/oci/change.h"
#include "lib/oci/image.h"
#include "lib/oci/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json struct json *doc = json_new_object();
	auto_oci_image_config struct oci_image_config *config = NULL;
	auto_free char *copy = xstrndup((const char *)data, size), *text = NULL;
	struct json *inner = json_set_object(doc, "config"), *rootfs = json_set_object(doc, "rootfs");

	json_set_str(doc, "architecture", "amd64");
	json_set_str(doc, "os", "linux");
	json_set_str(rootfs, "type", "layers");
	json_set_array(rootfs, "diff_ids");
	for (char *line, *rest = copy; (line = strsep(&rest, "\n"));)
		change_apply(inner, line, NULL);
	text = json_compact(doc);
	if (oci_image_config_parse(text, strlen(text), &config, NULL) < 0)
		abort();
	return 0;
}
