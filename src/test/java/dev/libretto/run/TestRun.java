package dev.libretto.run;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CheckpointPolicy.Every;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A small run for tests that damage it.
 *
 * @param oldestFirst its two checkpoints, after epochs 1 and 2
 * @param files the original content of each file, by path relative to the run
 */
record TestRun(Path path, List<Checkpoint> oldestFirst, Map<String, byte[]> files) {
    private static final Corpus CORPUS =
            new Corpus("test", "abc分开😀".codePoints().toArray());
    static final Vocabulary VOCABULARY = Vocabulary.of(CORPUS);
    static final ModelConfig MODEL = new ModelConfig(CellType.LSTM, VOCABULARY.size(), 4, 2);
    static final RunConfig CONFIG = new RunConfig(
            CorpusInfo.of(CORPUS),
            MODEL,
            TrainConfig.TEXTBOOK.with(c -> c.checkpoints = new CheckpointPolicy(Every.parse("1"), 2)));

    static TestRun create(Path path) throws IOException {
        List<Checkpoint> checkpoints = List.of(checkpoint(1), checkpoint(2));
        try (RunDirectory run = RunDirectory.create(path, CONFIG, VOCABULARY, false)) {
            for (Checkpoint checkpoint : checkpoints) {
                int epoch = checkpoint.progress().epoch();
                run.append(new EpochMetrics(epoch, 5.0 / epoch, 0.25, 1000, 100, 0, null));
                run.save(checkpoint);
            }
        }
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> tree = Files.walk(path)) {
            for (Path file : tree.filter(Files::isRegularFile).toList()) {
                files.put(path.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        return new TestRun(path, checkpoints, files);
    }

    /** Restores every file and deletes everything else. */
    void restore() throws IOException {
        deleteTree(path);
        for (String name : files.keySet()) {
            restore(name);
        }
    }

    /** Restores a file. */
    void restore(String name) throws IOException {
        write(name, files.get(name));
    }

    /** Writes a file at a path relative to the run. */
    Path write(String name, byte[] content) throws IOException {
        Path file = path.resolve(name);
        Files.createDirectories(file.getParent());
        Files.deleteIfExists(file);
        return Files.write(file, content);
    }

    /** Whether two checkpoints have the same bits. */
    static boolean same(Checkpoint one, Checkpoint two) {
        return one.progress().equals(two.progress())
                && sameBits(one.weights(), two.weights())
                && sameBits(one.slots(), two.slots())
                && sameBits(one.state(), two.state());
    }

    private static boolean sameBits(Weights one, Weights two) {
        return one.parameters().equals(two.parameters())
                && one.parameters().stream().allMatch(array -> Arrays.equals(bits(one, array), bits(two, array)));
    }

    private static int[] bits(Weights weights, Parameter array) {
        float[] values = weights.of(array);
        int[] bits = new int[values.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
        return bits;
    }

    /** Returns the position at the end of an epoch of ten batches; the loss falls with the epoch. */
    private static Checkpoint checkpoint(int epoch) {
        Checkpoint start = Checkpoint.start(CONFIG.model(), CONFIG.training(), TestModels.randomWeights(MODEL, epoch));
        double loss = 5.0 / epoch;
        return new Checkpoint(
                start.weights(),
                start.slots(),
                start.state(),
                new Progress(epoch, 0, 10L * epoch, 0, 0, loss, loss, 1, 0, null));
    }

    /** Deletes a directory and its contents. */
    static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
