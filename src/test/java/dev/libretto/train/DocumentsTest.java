package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.ReferenceModel;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Batches.Batch;
import dev.libretto.text.Corpus;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each document of a text is read from a state of zeros. */
@Tag("numeric")
class DocumentsTest {
    private static final int V = 9;
    private static final int END = V - 1;
    private static final int[][] ROWS = {
        // Begins a document, whatever the state before.
        {END, 1, 2, END, END, 3, 4, 5},
        // Continues one.
        {6, 7, 7, 0, END, 1, 1, 1},
        // Is in one document from beginning to end.
        {2, 2, 2, 2, 2, 2, 2, 2},
    };

    private static ModelConfig model(CellType cell, int layers, boolean endSymbol) {
        return new ModelConfig(cell, V, 5, layers, 0, false, endSymbol);
    }

    /** The rows over and over, of t characters and the next one. */
    private static int[][] rows(int t) {
        return Arrays.stream(ROWS)
                .map(row -> IntStream.rangeClosed(0, t)
                        .map(i -> row[i % row.length])
                        .toArray())
                .toArray(int[][]::new);
    }

    private static int[] timeMajor(int[][] rows, int from, int to) {
        return IntStream.range(from, to)
                .flatMap(i -> Arrays.stream(rows).mapToInt(row -> row[i]))
                .toArray();
    }

    /**
     * The loss and its gradients are the sums of those of the documents, each in a graph of its own that knows no documents. Up to
     * T = 64, a layer's time steps are one call; 67 are three.
     */
    @ParameterizedTest
    @CsvSource({
        "RNN, 1, 8",
        "RNN, 2, 67",
        "GRU, 1, 40",
        "GRU, 2, 8",
        "GRU_RESET_BEFORE, 2, 8",
        "LSTM, 1, 67",
        "LSTM, 2, 40"
    })
    void lossAndGradientsAreSumsOverDocuments(CellType cell, int layers, int t) {
        ModelConfig model = model(cell, layers, true);
        Weights weights = TestModels.randomWeights(model, 3);
        int[][] rows = rows(t);
        int b = rows.length;
        List<float[]> before = TestModels.randomState(model, b, 4);
        PartRun.Outcome whole = run(model, t, b, weights, timeMajor(rows, 0, t), timeMajor(rows, 1, t + 1), before);

        double loss = 0;
        double[][] gradients = weights.parameters().stream()
                .map(parameter -> new double[parameter.size()])
                .toArray(double[][]::new);
        // Many documents have the same length, and building a graph takes longer than running it.
        Map<Integer, PartRun> graphs = new HashMap<>();
        for (int row = 0; row < b; row++) {
            int[] ids = rows[row];
            int from = 0;
            for (int to = 1; to <= t; to++) {
                if (to < t && ids[to] != END) {
                    continue;
                }
                List<float[]> state = from == 0 && ids[0] != END ? rowOf(before, b, row) : zeros(before, b);
                PartRun.Outcome document = graphs.computeIfAbsent(
                                to - from, length -> graph(model(cell, layers, false), length, 1))
                        .run(
                                weights,
                                Arrays.copyOfRange(ids, from, to),
                                Arrays.copyOfRange(ids, from + 1, to + 1),
                                state,
                                List.of());
                double share = (to - from) / (double) (t * b);
                loss += share * document.loss();
                for (int p = 0; p < gradients.length; p++) {
                    float[] values =
                            document.gradients().of(weights.parameters().get(p));
                    for (int i = 0; i < values.length; i++) {
                        gradients[p][i] += share * values[i];
                    }
                }
                from = to;
            }
        }
        graphs.values().forEach(PartRun::close);
        assertThat((double) whole.loss()).isCloseTo(loss, within(2 * Rounding.ofLoss(model, t, b) * loss));
        for (int p = 0; p < gradients.length; p++) {
            Parameter parameter = weights.parameters().get(p);
            // Both sides are rounded.
            Rounding.assertClose(
                    parameter.name(),
                    whole.gradients().of(parameter),
                    gradients[p],
                    2 * Rounding.ofGradients(model, t, b));
        }
    }

    private static PartRun.Outcome run(
            ModelConfig model, int t, int b, Weights weights, int[] inputs, int[] targets, List<float[]> before) {
        try (PartRun part = graph(model, t, b)) {
            return part.run(weights, inputs, targets, before, List.of());
        }
    }

    private static PartRun graph(ModelConfig model, int t, int b) {
        return new PartRun(model, TestModels.runConfig(model, t, b, 1).training());
    }

    private static List<float[]> rowOf(List<float[]> state, int rows, int row) {
        return state.stream()
                .map(array -> {
                    int h = array.length / rows;
                    return Arrays.copyOfRange(array, row * h, (row + 1) * h);
                })
                .toList();
    }

    private static List<float[]> zeros(List<float[]> state, int rows) {
        return state.stream().map(array -> new float[array.length / rows]).toList();
    }

    /** What stands before a document changes no bit of what follows. */
    @Test
    void earlierDocumentsDoNotChangeTheState() {
        ModelConfig model = model(CellType.LSTM, 2, true);
        Weights weights = TestModels.randomWeights(model, 3);
        List<List<float[]>> after = new ArrayList<>();
        for (int first : new int[] {1, 5}) {
            int[] inputs = {first, first, END, 3, 4, 2};
            List<float[]> before = TestModels.randomState(model, 1, first);
            after.add(run(model, 6, 1, weights, inputs, inputs, before).after());
        }
        assertThat(after.get(0)).usingRecursiveComparison().isEqualTo(after.get(1));
    }

    @ParameterizedTest
    @CsvSource({"RNN, 2", "GRU, 3", "LSTM, 2"})
    void partsMatchTheWholeBatch(CellType cell, int parts) {
        ModelConfig model = model(cell, 2, true);
        int t = 8;
        int[][] rows = rows(2 * t);
        TrainConfig training = TestModels.runConfig(model, t, rows.length, 1).training();
        Checkpoint start = Checkpoint.start(model, training, TestModels.randomWeights(model, 3));
        List<Weights> weights = new ArrayList<>();
        List<float[]> losses = new ArrayList<>();
        for (int count : new int[] {1, parts, parts}) {
            ExecutionPlan plan = ExecutionPlan.onCpu(model, training.with(c -> c.parts = count));
            try (TrainStep step = new TrainStep(model, training, start, Ids.of(), plan)) {
                float[] loss = new float[2];
                for (int i = 0; i < 2; i++) {
                    Batch batch = new Batch(
                            timeMajor(rows, i * t, (i + 1) * t),
                            timeMajor(rows, i * t + 1, (i + 1) * t + 1),
                            i > 0,
                            new long[0]);
                    loss[i] = step.run(batch, 0.1, i + 1).loss();
                }
                losses.add(loss);
                weights.add(step.weights());
            }
        }
        double error = 2 * Rounding.ofGradients(model, 2 * t, rows.length);
        Rounding.assertClose("losses", losses.get(1), losses.get(0), error);
        assertThat(losses.get(2)).as("the same parts give the same bits").containsExactly(losses.get(1));
        for (Parameter parameter : weights.get(0).parameters()) {
            Rounding.assertClose(
                    parameter.name(),
                    weights.get(1).of(parameter),
                    weights.get(0).of(parameter),
                    error);
            assertThat(weights.get(2).of(parameter))
                    .containsExactly(weights.get(1).of(parameter));
        }
    }

    /** Rows begin with documents, so every number of them measures the same: each document from a state of zeros. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 40})
    void evaluationIsTheMeanOverDocuments(int rows) {
        ModelConfig model = model(CellType.GRU, 2, true);
        Weights weights = TestModels.randomWeights(model, 5);
        ReferenceModel reference = new ReferenceModel(model, weights);
        IntStream.Builder text = IntStream.builder();
        double sum = 0;
        int count = 0;
        for (int length : new int[] {4, 1, 300, 7, 2, 130}) {
            int[] document = TestModels.randomIds(length + 1, V - 1, length);
            document[0] = END;
            int[] targets = Arrays.copyOfRange(document, 1, length + 2);
            targets[length] = END;
            sum += (length + 1) * reference.loss(document, targets, new double[][] {reference.zeroState()});
            count += length + 1;
            Arrays.stream(document).forEach(text);
        }
        text.add(END);
        try (Evaluator evaluator = new Evaluator(model, rows)) {
            evaluator.load(weights);
            Evaluation evaluation = evaluator.evaluate(Ids.of(text.build().toArray()));

            assertThat(evaluation.characters()).isEqualTo(count);
            double mean = sum / count;
            assertThat(evaluation.loss()).isCloseTo(mean, within(Rounding.ofLoss(model, count, 1) * mean));
        }
    }

    @Test
    void documentsAreNotDividedForValidation() throws Exception {
        Corpus corpus = Corpus.ofDocuments(List.of("emma", "ava", "olivia", "mia"));
        Vocabulary vocabulary = Vocabulary.of(corpus);
        // Of 21 characters and ends, the last 6 would begin within the third document.
        TrainConfig config = TrainConfig.TEXTBOOK.with(c -> {
            c.seqLength = 3;
            c.batchSize = 1;
            c.parts = 1;
            c.validation = new ValidationConfig(0.3, null, 0);
        });
        TrainingData data = TrainingData.of(config, vocabulary, corpus, null);

        assertThat(shown(vocabulary, data.batches().ids())).isEqualTo("|emma|ava|olivia|");
        assertThat(shown(vocabulary, data.heldOut())).isEqualTo("|mia|");
        TrainingData all =
                TrainingData.of(config.with(c -> c.validation = ValidationConfig.NONE), vocabulary, corpus, null);
        assertThat(shown(vocabulary, all.batches().ids())).isEqualTo("|emma|ava|olivia|mia|");
        assertThat(all.heldOut().length()).isZero();
    }

    private static String shown(Vocabulary vocabulary, Ids ids) {
        StringBuilder text = new StringBuilder();
        LongStream.range(0, ids.length()).forEach(i -> {
            String character = vocabulary.decode(ids.at(i));
            text.append(character.isEmpty() ? "|" : character);
        });
        return text.toString();
    }
}
