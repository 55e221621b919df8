/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format/names.h"

#include <stdint.h>
#include <stdio.h>

#include "lib/base/err.h"
#include "lib/base/rand.h"
#include "lib/base/time.h"

static const char *const adjectives[] = {
	"agile",     "airy",	 "amber",    "ample",	 "apt",	      "autumn",	  "azure",    "balmy",	 "bouncy",
	"breezy",    "bright",	 "brisk",    "bronze",	 "bubbly",    "calm",	  "candid",   "cheery",	 "cinnamon",
	"civil",     "coastal",	 "copper",   "coral",	 "cosy",      "crimson",  "crisp",    "curious", "dapper",
	"deft",	     "dewy",	 "diligent", "drifting", "dusty",     "early",	  "easy",     "emerald", "even",
	"fabled",    "faithful", "fearless", "fleet",	 "floral",    "fluffy",	  "fond",     "frank",	 "fresh",
	"gentle",    "gilded",	 "glad",     "gleaming", "golden",    "graceful", "handy",    "hardy",	 "hazel",
	"hearty",    "helpful",	 "honest",   "humble",	 "indigo",    "ivory",	  "jaunty",   "jazzy",	 "joyful",
	"lively",    "loyal",	 "lucky",    "lunar",	 "maple",     "mellow",	  "merry",    "mighty",	 "mild",
	"minty",     "misty",	 "mossy",    "neat",	 "nimble",    "noble",	  "northern", "olive",	 "opal",
	"orange",    "patient",	 "pearly",   "placid",	 "playful",   "plucky",	  "polite",   "proud",	 "purple",
	"quick",     "quiet",	 "radiant",  "rapid",	 "ready",     "rosy",	  "rustic",   "saffron", "sandy",
	"scarlet",   "silent",	 "silver",   "sincere",	 "smiling",   "smooth",	  "snowy",    "snug",	 "solar",
	"sparkling", "speedy",	 "spry",     "steady",	 "sturdy",    "sunny",	  "swift",    "tidy",	 "tranquil",
	"trusty",    "velvet",	 "violet",   "warm",	 "whistling", "willing",  "winged",   "witty",	 "woolly",
	"zesty",
};

static const char *const nouns[] = {
	"acorn",    "alder",	 "anchor",     "apricot",  "aspen",    "aurora",   "badger",  "bagel",	   "bamboo",
	"basil",    "bay",	 "beacon",     "beaver",   "beetle",   "birch",	   "biscuit", "bison",	   "blossom",
	"bobcat",   "breeze",	 "brook",      "buoy",	   "cactus",   "canoe",	   "canyon",  "capstan",   "caribou",
	"cedar",    "cherry",	 "chestnut",   "chipmunk", "clover",   "cockle",   "comet",   "condor",	   "cove",
	"crane",    "cricket",	 "crocus",     "curlew",   "cypress",  "daisy",	   "delta",   "dinghy",	   "dolphin",
	"dory",	    "dove",	 "dragonfly",  "dune",	   "eagle",    "egret",	   "elk",     "elm",	   "falcon",
	"fern",	    "ferry",	 "finch",      "fjord",	   "flamingo", "fox",	   "galley",  "gannet",	   "garnet",
	"gecko",    "geyser",	 "ginger",     "glacier",  "goose",    "grotto",   "grove",   "gull",	   "harbour",
	"hazelnut", "heather",	 "hedgehog",   "heron",	   "hickory",  "ibex",	   "ibis",    "iris",	   "island",
	"ivy",	    "jasmine",	 "jetty",      "juniper",  "kayak",    "keel",	   "kelp",    "kestrel",   "kingfisher",
	"kite",	    "kiwi",	 "koala",      "lagoon",   "lantern",  "lapwing",  "larch",   "lark",	   "laurel",
	"lemon",    "lichen",	 "lighthouse", "lilac",	   "linnet",   "lobster",  "lotus",   "lynx",	   "magnolia",
	"magpie",   "mallard",	 "manatee",    "mango",	   "mangrove", "marigold", "marlin",  "marmot",	   "marten",
	"meadow",   "meteor",	 "mooring",    "moose",	   "moss",     "muffin",   "narwhal", "nebula",	   "nectarine",
	"newt",	    "nutmeg",	 "oak",	       "oar",	   "oasis",    "ocelot",   "orca",    "orchid",	   "osprey",
	"otter",    "owl",	 "oyster",     "paddle",   "panda",    "papaya",   "parsley", "peach",	   "pebble",
	"pelican",  "penguin",	 "petrel",     "petunia",  "pier",     "pine",	   "plover",  "plum",	   "pond",
	"poplar",   "poppy",	 "porpoise",   "puffin",   "quail",    "quartz",   "quay",    "quince",	   "rabbit",
	"raft",	    "rapids",	 "raven",      "reef",	   "ridge",    "robin",	   "rowan",   "rudder",	   "sail",
	"salmon",   "sandpiper", "schooner",   "seal",	   "shallop",  "shoal",	   "skylark", "sloop",	   "snipe",
	"sparrow",  "spruce",	 "squirrel",   "starfish", "stork",    "summit",   "swallow", "swan",	   "tern",
	"thistle",  "thrush",	 "thyme",      "tiller",   "toucan",   "trout",	   "tulip",   "turnstone", "turtle",
	"valley",   "walnut",	 "warbler",    "whale",	   "willow",   "wren",	   "yawl",    "zebra",
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/**
 * names_random() - A name that people can say: an adjective, "_", and a noun
 * @buf:	Room for it
 *
 * 127 times 206 names: the caller tries again, or appends a digit, where one is taken.
 */
void names_random(char buf[NAMES_MAX])
{
	uint32_t pick[2];

	/* A name need not be a secret; the clock will do where there is no randomness. */
	if (rand_bytes(pick, sizeof(pick), NULL) < 0) {
		pick[0] = (uint32_t)time_mono();
		pick[1] = (uint32_t)(time_mono() >> 7);
	}
	snprintf(buf, NAMES_MAX, "%s_%s", adjectives[pick[0] % COUNT(adjectives)], nouns[pick[1] % COUNT(nouns)]);
}
