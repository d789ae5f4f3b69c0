package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.LibrettoException;
import dev.libretto.run.Json;
import dev.libretto.run.LearningCurve;
import dev.libretto.run.LearningCurve.Epoch;
import dev.libretto.run.ReportedTexts;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.run.RunInfo;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * The runs that the page shows, also while they are written: those in a folder, or those served. Nothing else is read: symbolic
 * links are not followed, and a run that has one is not shown.
 */
final class RunsFolder {
    /** The most epochs of a curve, and the most reports, that are sent. */
    private static final int MAX_POINTS = 1000;

    private static final int MAX_REPORTS = 200;

    /** The most characters of a text that are sent. */
    private static final int MAX_TEXT = 2000;

    /**
     * What the list has of a run, without whether it is being trained.
     *
     * @param created milliseconds since 1970
     */
    private record Summary(Path run, ObjectNode fields, long created) {}

    /** When its files were changed, and the size of those that grow. */
    private record Stamp(long created, long changed, long size) {}

    private record Read(Stamp stamp, Summary summary) {}

    private final Optional<Path> folder;
    private final Set<Path> served;
    private final Map<String, Read> known = new ConcurrentHashMap<>();

    /**
     * @param folder empty for the served runs only
     * @param served the real paths of the runs that can be requested as models
     */
    RunsFolder(Optional<Path> folder, Set<Path> served) {
        this.folder = folder;
        this.served = Set.copyOf(served);
    }

    /** Returns the list of runs, those started last first. */
    ObjectNode list() throws IOException {
        List<Summary> summaries = new ArrayList<>();
        List<Path> runs = runs();
        known.keySet().retainAll(runs.stream().map(RunsFolder::name).toList());
        for (Path run : runs) {
            summaries.add(summary(run));
        }
        summaries.sort(Comparator.comparingLong(Summary::created).reversed());
        ObjectNode answer = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = answer.putArray("data");
        for (Summary summary : summaries) {
            data.add(summary.fields().deepCopy().put("training", isBeingTrained(summary.run())));
        }
        return answer;
    }

    private static boolean isBeingTrained(Path run) {
        try {
            return RunDirectory.isBeingTrained(run);
        } catch (IOException e) {
            // The run was just deleted, its lock is a symbolic link, or its file system has no locks, so nothing can be
            // trained there.
            return false;
        }
    }

    private static String name(Path run) {
        return run.getFileName().toString();
    }

    private List<Path> runs() throws IOException {
        if (folder.isPresent() && !Files.isDirectory(folder.get())) {
            return List.of();
        }
        try (Stream<Path> entries = folder.isPresent() ? Files.list(folder.get().toRealPath()) : served.stream()) {
            return entries.filter(RunsFolder::isRun).sorted().toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static boolean isRun(Path path) {
        return !name(path).startsWith(".")
                && Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
                && Files.isRegularFile(path.resolve("config.json"), LinkOption.NOFOLLOW_LINKS);
    }

    private Summary summary(Path run) {
        String name = name(run);
        Read before = known.get(name);
        Stamp stamp = null;
        try {
            stamp = stamp(run);
            if (before != null && before.stamp().equals(stamp)) {
                return before.summary();
            }
            requireNoLinks(run);
            Summary summary = summary(run, stamp);
            known.put(name, new Read(stamp, summary));
            return summary;
        } catch (IOException | RuntimeException e) {
            if (before != null && Files.isDirectory(run)) {
                // A file that was just replaced; the next request finds it.
                return before.summary();
            }
            long time = stamp == null ? 0 : stamp.changed();
            return new Summary(run, named(run, time).put("problem", problem(run, e)), time);
        }
    }

    private ObjectNode named(Path run, long changed) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("name", name(run))
                .put("changed", changed)
                .put("served", served.contains(run));
    }

    private Summary summary(Path run, Stamp stamp) throws IOException {
        RunDirectory directory = RunDirectory.open(run);
        RunConfig config = directory.config();
        List<Epoch> epochs = LearningCurve.read(run).epochs();
        int epoch = epochs.isEmpty() ? 0 : epochs.get(epochs.size() - 1).epoch();
        ObjectNode fields = named(run, stamp.changed())
                .put("cell", config.model().cell().toString())
                .put("layers", config.model().layers())
                .put("hidden_size", config.model().hiddenSize())
                .put("epoch", epoch)
                .put("epochs", config.training().epochs())
                .put(
                        "rollbacks",
                        directory.peek(Which.LAST).map(Progress::rollbacks).orElse(0));
        // JSON has no number for the perplexity of a run that diverged.
        epochs.stream()
                .filter(each -> Double.isFinite(each.decisive()))
                .min(Comparator.comparingDouble(Epoch::decisive))
                .ifPresent(best -> fields.putObject("best")
                        .put("epoch", best.epoch())
                        .put("perplexity", best.decisive())
                        .put("of", Double.isNaN(best.validation()) ? "training" : "validation"));
        return new Summary(run, fields, stamp.created());
    }

    /** Returns null for what JSON has no number for. */
    private static Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private static Stamp stamp(Path run) throws IOException {
        long changed = 0;
        long size = 0;
        for (String file : List.of("config.json", "metrics.csv", "samples.jsonl", "checkpoints")) {
            Path path = run.resolve(file);
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                BasicFileAttributes attributes =
                        Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                changed = Math.max(changed, attributes.lastModifiedTime().toMillis());
                size += attributes.isRegularFile() ? attributes.size() : 0;
            }
        }
        long created = Files.getLastModifiedTime(run.resolve("config.json")).toMillis();
        return new Stamp(created, changed, size);
    }

    private static void requireNoLinks(Path run) throws IOException {
        try (Stream<Path> tree = Files.walk(run)) {
            Optional<Path> link = tree.filter(Files::isSymbolicLink).findFirst();
            if (link.isPresent()) {
                throw new LibrettoException(link.get() + " is a symbolic link, so the run is not shown");
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Returns the reason why a run cannot be read, without the path of the folder. */
    private String problem(Path run, Exception e) {
        String message = LibrettoException.oneLine(String.valueOf(e.getMessage()));
        return message.replace(run + "/", "").replace(run.toString(), name(run));
    }

    /** Returns all that is known about a run; empty if there is none of this name. */
    Optional<ObjectNode> run(String name) throws IOException {
        // Only a name of the list is looked up, so no path leads out of the folder.
        Optional<Path> run =
                runs().stream().filter(path -> name(path).equals(name)).findFirst();
        return run.map(this::detail);
    }

    private ObjectNode detail(Path run) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode().put("name", name(run));
        ArrayNode texts = answer.putArray("texts");
        ObjectNode curve = answer.putObject("curve");
        List<String> columns = List.of("epoch", "time", "training", "validation");
        columns.forEach(curve::putArray);
        try {
            requireNoLinks(run);
            addCurve(LearningCurve.read(run).epochs(), curve);
            addTexts(ReportedTexts.read(run), texts);
            ObjectNode info = (ObjectNode) Json.tree(RunInfo.of(RunDirectory.open(run), warning -> {}));
            info.put("run", name(run));
            if (!Double.isFinite(info.path("best").path("perplexity").asDouble())) {
                info.putNull("best");
            }
            ArrayNode files = JsonNodeFactory.instance.arrayNode();
            info.withObject("corpus")
                    .path("files")
                    .forEach(file ->
                            files.add(String.valueOf(Path.of(file.asText()).getFileName())));
            info.withObject("corpus").set("files", files);
            answer.set("info", info);
        } catch (IOException | RuntimeException e) {
            answer.put("problem", problem(run, e));
        }
        return answer;
    }

    private static void addCurve(List<Epoch> epochs, ObjectNode curve) {
        double time = 0;
        int stride = Math.max(1, (epochs.size() + MAX_POINTS - 1) / MAX_POINTS);
        for (int i = 0; i < epochs.size(); i++) {
            Epoch epoch = epochs.get(i);
            time += epoch.seconds();
            if (i % stride == 0 || i == epochs.size() - 1) {
                curve.withArray("epoch").add(epoch.epoch());
                curve.withArray("time").add(finite(time));
                curve.withArray("training").add(finite(epoch.training()));
                curve.withArray("validation").add(finite(epoch.validation()));
            }
        }
    }

    private static void addTexts(List<ReportedTexts> reports, ArrayNode texts) {
        int stride = Math.max(1, (reports.size() + MAX_REPORTS - 1) / MAX_REPORTS);
        for (int i = 0; i < reports.size(); i++) {
            if (i % stride == 0 || i == reports.size() - 1) {
                ObjectNode report =
                        texts.addObject().put("epoch", reports.get(i).epoch());
                ArrayNode of = report.putArray("texts");
                reports.get(i).texts().forEach(text -> of.add(shortened(text)));
            }
        }
    }

    private static String shortened(String text) {
        if (text.codePointCount(0, text.length()) <= MAX_TEXT) {
            return text;
        }
        return text.substring(0, text.offsetByCodePoints(0, MAX_TEXT)) + "…";
    }
}
