package dev.libretto.cli;

import dev.libretto.device.NativeLog;
import dev.libretto.export.ExportedModel;
import dev.libretto.export.ModelSettings;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;
import java.nio.file.Path;
import java.util.List;

/** {@code libretto import}: creates a run from weights of Keras or PyTorch. */
final class ImportCommand {
    static final Flag<Path> WEIGHTS = Flag.path("weights", "FILE", "weights to read, safetensors");
    static final Flag<Path> DESCRIPTION = Flag.path(
            "description", "FILE", "layout, cell, sizes and vocabulary of the model (default the weights' FILE.json)");
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run directory to write");
    static final Flag<Boolean> OVERWRITE = TrainFlags.OVERWRITE;

    static final Command COMMAND = new Command(
            "import",
            "create a run from weights of Keras or PyTorch",
            "",
            List.of(WEIGHTS, DESCRIPTION, RUN, OVERWRITE),
            List.of(
                    "import --weights lyrics.safetensors --run runs/lyrics",
                    "import --weights tuned.safetensors --description lyrics.safetensors.json --run runs/tuned"),
            ImportCommand::run);

    private ImportCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        boolean overwrite = arguments.get(OVERWRITE);
        Path weights = arguments.get(WEIGHTS);
        Path description = arguments.get(DESCRIPTION);
        Path path = arguments.get(RUN);
        if (weights == null) {
            throw new UsageException("missing weights; add --weights FILE");
        }
        if (path == null) {
            throw new UsageException("missing run directory; add --run DIR");
        }
        RunDirectory.requireWritable(path, overwrite);
        ExportedModel model =
                ExportedModel.read(weights, description == null ? ExportedModel.descriptionOf(weights) : description);
        NativeLog.suppressFirstRunMessages();
        int exitCode = write(model, path, overwrite);
        console.note(
                "imported %,d parameters from %s into the run %s; generate with:%n  %s generate --run %s --prefix %s%n",
                model.weights().count(),
                weights,
                path,
                console.command(),
                Shell.quote(path.toString()),
                Shell.quote(prefix(model.vocabulary().symbols())));
        return exitCode;
    }

    private static String prefix(List<String> vocabulary) {
        return vocabulary.stream()
                .filter(symbol -> !symbol.isEmpty() && Character.isLetter(symbol.codePointAt(0)))
                .findFirst()
                .orElse(vocabulary.get(0));
    }

    /**
     * Writes a run with zero epochs and an unknown corpus. A signal takes effect once it is written, and then in the
     * exit code.
     */
    private static int write(ExportedModel model, Path path, boolean overwrite) throws Exception {
        ModelSettings settings = model.settings();
        RunConfig config = new RunConfig(
                CorpusInfo.unknown(settings.keepNewlines(), settings.normalization(), settings.unknownCharacter()),
                settings.model(),
                TrainConfig.TEXTBOOK.with(c -> c.epochs = 0));
        try (StopSignal stop = new StopSignal(StatusLine.NONE, () -> {}, () -> {})) {
            stop.trainingStarted();
            try (RunDirectory run = RunDirectory.create(path, config, model.vocabulary(), overwrite)) {
                try {
                    run.begin(Checkpoint.start(config.model(), config.training(), model.weights()));
                } finally {
                    run.discardIfNeverBegun();
                }
            }
            return stop.exitCode();
        }
    }
}
