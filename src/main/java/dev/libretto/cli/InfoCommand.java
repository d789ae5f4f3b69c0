package dev.libretto.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.run.Json;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunInfo;
import dev.libretto.run.RunInfo.Array;
import dev.libretto.run.RunInfo.Best;
import dev.libretto.run.RunInfo.Layer;
import dev.libretto.text.Corpus;
import dev.libretto.train.DivergencePolicy;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.commons.lang3.StringUtils;

/** {@code libretto info}: shows a run's corpus, model, settings and progress. */
final class InfoCommand {
    static final Flag<Boolean> JSON = Flag.toggle("json", "print JSON");

    static final Command COMMAND = new Command(
            "info",
            "show a run's model, settings and progress",
            "[RUN]",
            List.of(JSON),
            List.of("info", "info runs/2026-11-23-101500 --json"),
            InfoCommand::run);

    private InfoCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        List<Path> runs = arguments.operands();
        if (runs.size() > 1) {
            throw new UsageException("unexpected argument \"" + runs.get(1) + "\"; name one run");
        }
        Path path = console.runPath(runs.isEmpty() ? null : runs.get(0));
        RunInfo info = RunInfo.of(RunDirectory.open(path), console::warn);
        if (arguments.get(JSON)) {
            console.out().print(Json.write(info));
        } else {
            print(info, console);
        }
        return 0;
    }

    private static void print(RunInfo info, Console console) {
        console.print(
                "run: %s, %.1f MiB%ncorpus: %s%n%s%nmodel%n%s%n",
                info.run(),
                info.bytes() / (double) (1 << 20),
                describeCorpus(info),
                info.origin() == null ? "" : "weights: from " + info.origin() + "\n",
                lines("  ", Json.tree(info.model())));
        console.print("%,d parameters%n", info.parameters());
        for (Layer layer : info.layers()) {
            console.print("  %-28s %,14d%n", layer.name(), layer.parameters());
            for (Array array : layer.arrays()) {
                console.print("    %-16s %-9s %,14d%n", array.name(), shape(array), array.parameters());
            }
        }
        if (!info.corpus().known()) {
            return;
        }
        console.print("%ntraining%n%s%n", lines("  ", training(info.training())));
        Progress progress = info.progress();
        int epochs = info.training().epochs();
        console.print("progress: epoch %,d of %,d, step %,d%n", progress.epoch(), epochs, progress.step());
        Best best = info.best();
        if (best == null) {
            console.print("best: no epoch is finished%n");
        } else {
            console.print("best: %s perplexity %f in epoch %,d%n", best.of(), best.perplexity(), best.epoch());
        }
    }

    private static String describeCorpus(RunInfo info) {
        if (!info.corpus().known()) {
            return "not known; the run was imported";
        }
        return String.format(
                Locale.ROOT,
                "%s, %,d characters, SHA-256 %s",
                info.corpus().files().isEmpty()
                        ? Corpus.BUILT_IN
                        : String.join(", ", info.corpus().files()),
                info.corpus().characters(),
                info.corpus().sha256());
    }

    private static String shape(Array array) {
        return Arrays.stream(array.shape()).mapToObj(Long::toString).collect(Collectors.joining("×"));
    }

    /** Leaves out settings without effect, such as those of another optimizer or schedule. */
    private static JsonNode training(TrainConfig training) {
        ObjectNode settings = (ObjectNode) Json.tree(training);
        ObjectNode optimizer = (ObjectNode) settings.get("optimizer");
        optimizer.set("coefficients", Json.tree(training.optimizer().rule().coefficients()));
        if (training.optimizer().learningRate().schedule() == LearningRate.Schedule.CONSTANT) {
            ((ObjectNode) optimizer.get("learningRate")).remove(List.of("decay", "decayEpochs"));
        }
        ObjectNode divergence = (ObjectNode) settings.get("divergence");
        if (training.divergence().action() == DivergencePolicy.Action.STOP) {
            divergence.remove("maxRollbacks");
        }
        if (training.divergence().factor() == 0) {
            divergence.remove("factor");
        }
        if (!training.validation().wanted()) {
            settings.remove("validation");
        }
        if (training.frozen().isEmpty()) {
            settings.remove("frozen");
        }
        if (training.emaDecay() == 0) {
            settings.remove("emaDecay");
        }
        return settings;
    }

    private static String lines(String indent, JsonNode settings) {
        StringBuilder lines = new StringBuilder();
        settings.properties().forEach(setting -> {
            String words = setting.getKey().replaceAll("(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
            JsonNode value = setting.getValue();
            if (value.isObject()) {
                lines.append(indent + words + "\n" + lines(indent + "  ", value));
            } else if (!value.isNull()) {
                lines.append(StringUtils.rightPad(indent + words, 22) + " " + TrainFlags.asText(value) + "\n");
            }
        });
        return lines.toString();
    }
}
