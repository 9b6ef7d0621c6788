// SPDX-License-Identifier: Apache-2.0
/// \file
/// The program `cardiomm`: command line, exit codes, interruption.

#include "cardiomm/core/runtime.hpp"
#include "cardiomm/dist/together.hpp"
#include "common.hpp"
#include "interrupt.hpp"

namespace program {

action add_train(CLI::App& app, common_options& common);

namespace {

/// Newer releases of CLI11 reflow footers, which would tear the commands of the examples apart.
template <class Formatter>
void keep_lines(Formatter& formatter) {
  if constexpr (requires { formatter.enable_footer_formatting(false); })
    formatter.enable_footer_formatting(false);
}

extern "C" void on_interrupt(int) { interrupt_requested = 1; }

void handle_interrupts() {
  struct sigaction what {};
  what.sa_handler = on_interrupt;
  what.sa_flags = SA_RESETHAND | SA_RESTART;  // a second one ends the program at once
  sigaction(SIGINT, &what, nullptr);
  sigaction(SIGTERM, &what, nullptr);
}

/// An error that all processes have is told by the first; one that others do not know of ends them.
int fail(const cardiomm::dist::communicator& team, int code, const std::string& message) {
  std::fflush(stdout);
  const bool shared = cardiomm::dist::failed_together();
  if (team.first() || !shared)
    std::fprintf(stderr, "cardiomm: error: %s\n", one_line(message).c_str());
  if (team.size() == 1 || shared) {
    say_no_more();
    return code;
  }
  remove_temporaries();
  team.abort(code);
}

/// Threads of this process: what was asked for, or its part of the machine.
int threads_of(const common_options& common) {
  if (common.threads > 0 || common.team.size() == 1 || std::getenv("OMP_NUM_THREADS") != nullptr)
    return common.threads;
  return common.team.threads_each();
}

// What was asked for on the command line, understood in full before anything starts.
int run(int argc, char** argv, const cardiomm::dist::communicator& team) {
  // up to the action all processes do the same
  bool& shared = cardiomm::dist::failed_together();
  shared = true;
  CLI::App app{"Reconstruction of cardiac MR images from k-space", "cardiomm"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("cardiomm ") + CARDIOMM_VERSION_STRING);
  keep_lines(*app.get_formatter());
  app.footer("Every subcommand explains itself: cardiomm recon --help");
  common_options common;
  common.team = team;
  std::map<std::string, action> actions;
  actions["phantom"] = add_phantom(app, common);
  actions["mask"] = add_mask(app, common);
  actions["maps"] = add_maps(app, common);
  actions["recon"] = add_recon(app, common);
  actions["run"] = add_run(app, common);
  actions["sort"] = add_sort(app, common);
  actions["stream"] = add_stream(app, common);
  actions["snr"] = add_snr(app, common);
  actions["map"] = add_map(app, common);
  actions["eval"] = add_eval(app, common);
  actions["scores"] = add_scores(app, common);
  actions["agreement"] = add_agreement(app, common);
  actions["dicom"] = add_dicom(app, common);
  actions["phenotype"] = add_phenotype(app, common);
  actions["convert"] = add_convert(app, common);
  actions["train"] = add_train(app, common);
  actions["info"] = add_info(app, common);
  actions["dataset"] = add_dataset(app, common);
  if (argc > 1 && argv[1][0] != '-' && actions.count(argv[1]) == 0) {
    std::string names;
    for (const auto& a : actions) names += (names.empty() ? "" : ", ") + a.first;
    return fail(team, user_error,
                "expected a subcommand of " + names + "; found '" + argv[1] + "'");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) {
      if (team.first()) app.exit(e);  // --help or --version
      return success;
    }
    return fail(team, user_error, e.what());
  }
  require<value_error>(common.threads >= 0 && common.threads <= 4096,
                       "--threads: expected 0 (all) to 4096, found ", common.threads);
  const std::string name = app.get_subcommands().front()->get_name();
  require<value_error>(team.size() == 1 || name == "recon" || name == "train", name,
                       ": expected one process, found ", team.size(),
                       "; only recon and train spread their work");
  ::setenv("KOKKOS_DISABLE_WARNINGS", "1", 0);
  cardiomm::runtime_options options;
  options.threads = threads_of(common);
  const cardiomm::runtime guard(options);
  shared = false;
  actions.at(name)(common);
  std::cout.flush();
  require<io_error>(static_cast<bool>(std::cout), "standard output: cannot be written");
  return success;
}

}  // namespace

CLI::App& add_command(CLI::App& app, const std::string& name, const std::string& description,
                      const std::string& examples, common_options& common) {
  CLI::App* command = app.add_subcommand(name, description);
  command->footer("Examples:\n" + examples);
  const std::string group = "Common options";
  command->add_option("--threads", common.threads, "Threads; 0 takes all")->group(group);
  command
      ->add_option_function<std::string>(
          "--precision",
          [&common](const std::string& text) {
            require<value_error>(text == "float" || text == "double",
                                 "--precision: expected float or double, found '", text, "'");
            common.as_double = text == "double";
          },
          "Arithmetic of the computation: float (default) or double")
      ->group(group)
      ->type_name("NAME");
  command->add_flag("--json", common.as_json, "Print the result as JSON")->group(group);
  command->add_flag("--no-clobber", common.no_clobber, "Never replace an existing file")
      ->group(group);
  return *command;
}

void add_axes(CLI::App& command, axes_option& option) {
  command
      .add_option_function<std::vector<std::string>>(
          "--axes",
          [&option](const std::vector<std::string>& all) {
            for (const auto& text : all) option.add(text);
          },
          "Order of the axes in a .npy file, slowest first, of set, frame, slice, coil, y, x; may "
          "be given for several inputs as ROLE:LIST with the roles kspace, image, maps, mask, "
          "noise")
      ->type_name("[ROLE:]LIST")
      ->allow_extra_args(false);
}

}  // namespace program

int main(int argc, char** argv) {
  using namespace program;
  handle_interrupts();
  std::optional<cardiomm::dist::environment> processes;
  try {
    processes.emplace();
  } catch (const cardiomm::error& e) {
    return fail({}, user_error, e.what());
  }
  const auto& team = processes->world();
  if (team.size() > 1) end_on_signals(team);
  try {
    return run(argc, argv, team);
  } catch (const interrupted& e) {
    return fail(team, interrupted_code, "interrupted" + e.kept);
  } catch (const cardiomm::error& e) {
    return fail(team, user_error, e.what());
  } catch (const std::bad_alloc&) {
    return fail(team, internal_error, "out of memory");
  } catch (const std::exception& e) {
    return fail(team, internal_error, e.what());
  }
}
