// SPDX-License-Identifier: Apache-2.0
#ifndef CARDIOMM_EXAMPLES_CARDIOMM_RUN_CASE_HPP
#define CARDIOMM_EXAMPLES_CARDIOMM_RUN_CASE_HPP
/// \file
/// One case of `cardiomm run` through all its stages; those that an earlier run finished are kept.

#include "run_state.hpp"
#include "run_steps.hpp"

namespace program {

class case_run {
 public:
  using namer = std::function<std::string(const std::string&)>;
  /// `relative` names a file without what differs between machines; `shared` is the checksum of a
  /// file that many cases use; `show` hears what is done.
  case_run(const run_command& c, const scan_case& s, const run_state& state,
           const common_options& common, namer relative, namer shared,
           std::function<void(const std::string&)> show)
      : c_(c),
        s_(s),
        state_(state),
        common_(common),
        relative_(std::move(relative)),
        shared_(std::move(shared)),
        show_(std::move(show)) {}

  /// Throws what goes wrong; finished stages stay.
  void operator()();

  const json& report() const { return report_; }
  const scan_case& what() const { return s_; }
  const std::string& image() const { return image_; }
  const std::string& reference() const { return reference_; }  ///< empty where there is none
  const std::string& zero_filled() const { return zero_filled_; }
  double sampled() const { return sampling_.share; }
  int made() const { return made_; }  ///< stages
  int kept() const { return kept_; }  ///< stages that were there

 private:
  std::string result(const char* name) const { return state_.result(s_.name, name); }
  std::string work(const char* name) const { return state_.work(s_.name, name); }
  void note(const std::string& text) { s_.notes.push_back(text); }
  /// Name and checksum of an input, told in the report.
  std::string input(const std::string& path);
  /// Makes `files` unless they are there, of the same inputs and options.
  template <class F>
  json stage(const std::string& name, const std::string& text, const json& depends,
             const std::vector<std::string>& files, F&& make);
  void prepare();
  void spokes(const prepared_files& files);
  void masks();
  recon_command command(const std::string& method, const std::string& out, bool masked);
  recon_command main_command();
  json recon(const recon_command& c);
  void reconstruct();
  void pictures();

  const run_command& c_;
  scan_case s_;
  const run_state& state_;
  const common_options& common_;
  namer relative_, shared_;
  std::function<void(const std::string&)> show_;
  ready_case r_;
  sampling_facts sampling_;
  bool gridded_ = false;
  std::string key_;  ///< of the stages so far
  std::string image_, reference_, zero_filled_;
  std::vector<std::string> stages_;
  json report_ = json::object();
  int made_ = 0, kept_ = 0;
};

}  // namespace program

#endif
