// SPDX-License-Identifier: GPL-2.0
#include <linux/fs.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include "../helpers.h"

/* What was given as data when the file of @seq was made. */
void *ipvs_helper_seq_file_data(const struct seq_file *seq)
{
	return pde_data(file_inode(seq->file));
}
