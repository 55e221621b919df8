# SPDX-License-Identifier: Apache-2.0
# The code of C files without comments and without what is inside strings: "FILE:LINE:code". A // comment is shown as //.
FNR == 1 { in_comment = 0 }
{
	line = $0
	out = ""
	n = length(line)
	in_string = 0
	for (i = 1; i <= n; i++) {
		c = substr(line, i, 1)
		d = substr(line, i, 2)
		if (in_comment) {
			if (d == "*/") {
				in_comment = 0
				i++
			}
		} else if (in_string) {
			if (c == "\\")
				i++
			else if (c == quote) {
				in_string = 0
				out = out c
			}
		} else if (d == "/*") {
			in_comment = 1
			i++
		} else if (d == "//") {
			out = out "//"
			break
		} else {
			if (c == "\"" || c == "'") {
				in_string = 1
				quote = c
			}
			out = out c
		}
	}
	print FILENAME ":" FNR ":" out
}
