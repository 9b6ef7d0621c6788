// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_DATASET_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_DATASET_HPP
/// \file
/// What the commands of `cardiomm dataset` share: the choice of measurements, and work that worker
/// processes do file by file, with a journal, a bar of progress and a list of errors.

#include "cardiomm/io/dataset.hpp"
#include "common.hpp"

namespace program {

/// Options of every dataset command.
struct dataset_command {
  std::string root;
  std::vector<std::string> modalities, sets, centres, patients;
  int jobs = 0;         ///< worker processes; 0: one for each thread
  std::string axes;     ///< of k-space files without named axes; empty: by their number
  bool verify = false;  ///< read finished outputs again to see that they are whole
};

/// Finds the measurements and drops those that were not asked for. Throws value_error where nothing
/// is left.
io::dataset find_dataset(const dataset_command& c);

/// A measurement as JSON and back.
json describe(const io::dataset_scan& s);
io::dataset_scan scan_from(const json& j);

/// "Cine/TestSet/Center001/Siemens_30T_Vida/P001/cine_sax": where a measurement lies in its data
/// set, the same whatever its kind; in plain folders from `root` on.
std::string place_of(const io::dataset_scan& s, const std::string& root);
/// The folder of its files of one kind in a tree of results.
std::string folder_of(const io::dataset_scan& s, const std::string& root, const std::string& kind);

/// Names the axes of a k-space file: those of --axes ("axes" of the work), else by their number;
/// data of a single coil have no coil axis.
source name_kspace(const opened& file, const io::dataset_scan& s, const json& work);

/// One piece of work for a worker process.
struct dataset_order {
  std::string name;                  ///< for lists
  std::string about;                 ///< the file that an error is about
  std::vector<std::string> sources;  ///< the result depends on their sizes and dates
  json work;                         ///< what to do; "do" names the function
};
/// What came of it.
struct dataset_outcome {
  std::string name, about, error;  ///< the error is empty where it was done
  bool skipped = false;            ///< was done by an earlier run
  json result;
  std::vector<std::string> outputs;  ///< relative to the folder of results
};

/// What the functions of the workers are given and give back.
struct dataset_task {
  json work;        ///< of the order
  std::string out;  ///< folder of results
  io::existing policy = io::existing::replace;
  std::vector<std::string> outputs;  ///< written files, relative to `out`
  /// The path of an output, whose folder is made and which is noted.
  std::string output(const std::string& relative);
};
json check_scan(dataset_task& t);
json measure_scan(dataset_task& t);
json undersample_scan(dataset_task& t);
json export_scan(dataset_task& t);

/// Does all orders in worker processes. `out` is the folder of results, which holds the journal; a
/// journal alone may be named instead, neither means that nothing is kept.
std::vector<dataset_outcome> do_orders(const std::vector<dataset_order>& orders,
                                       const dataset_command& c, const std::string& out,
                                       const std::string& journal, const common_options& common);
/// The loop of a worker process.
void serve_orders();

/// Prints the errors and the count; throws value_error if there are any, so that the program ends
/// with 2. With --json the summary goes to standard output first.
void finish_orders(const std::vector<dataset_outcome>& all, json summary, double seconds,
                   const common_options& common);

/// Registers the commands below `dataset`.
action add_dataset_scan(CLI::App& app, dataset_command& c, common_options& common);
action add_dataset_stats(CLI::App& app, dataset_command& c, common_options& common);
action add_dataset_check(CLI::App& app, dataset_command& c, common_options& common);
action add_dataset_undersample(CLI::App& app, dataset_command& c, common_options& common);
action add_dataset_export(CLI::App& app, dataset_command& c, common_options& common);
/// ROOT and the options that choose measurements.
void add_dataset_options(CLI::App& app, dataset_command& c);
/// Options of those that open files.
void add_work_options(CLI::App& app, dataset_command& c);

}  // namespace program

#endif
