package dev.libretto.train;

import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.tensorflow.Result;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Computes the log-probability of each character of many texts, given those before it. As in {@link Evaluator}, a text starts from
 * a zero state, and its first character is not predicted. The rows of a batch are texts: where one ends, its row goes on with the
 * next one, so short and long texts share a batch.
 */
public final class Scorer implements AutoCloseable {
    /** Time steps per run of the graph. Few, because a row goes on with the next text after a run. */
    static final int SEQ_LENGTH = 16;

    private static final int ROWS = 64;

    /** The most characters of texts that are read before the one whose turn it is has ended. */
    private static final long MAX_AHEAD = 1 << 22;

    /**
     * The predictions of a text's characters, all but the first.
     *
     * @param logProbabilities natural logarithms, {@code [N]}
     * @param topIds the most likely characters in each one's place, the most likely first, {@code [N, top]}
     * @param topLogProbabilities {@code [N, top]}
     */
    public record Scores(float[] logProbabilities, int[] topIds, float[] topLogProbabilities) {}

    private final PredictionGraph graph;
    private final List<Shape> stateShapes;
    private final int rows;
    private final int top;
    private final long maxAhead;

    /** @param top the number of most likely characters to compute in each one's place */
    public Scorer(ModelConfig config, Weights weights, int top) {
        this(config, weights, top, ROWS, MAX_AHEAD);
    }

    /** @param rows B */
    Scorer(ModelConfig config, Weights weights, int top, int rows, long maxAhead) {
        this.rows = rows;
        this.top = Math.min(top, config.vocabularySize());
        this.maxAhead = maxAhead / (1 + 2L * this.top);
        this.stateShapes = LanguageModel.stateShapes(config, rows);
        this.graph = new PredictionGraph(config, SEQ_LENGTH, rows, this.top);
        try {
            graph.load(weights);
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
    }

    private final class Text {
        private final int[] ids;
        private final Scores scores;
        /** How many characters are predicted. */
        private int predicted;

        Text(int[] ids) {
            this.ids = ids;
            int n = Math.max(0, ids.length - 1);
            this.scores = new Scores(new float[n], new int[n * top], new float[n * top]);
        }

        boolean isDone() {
            return predicted == scores.logProbabilities().length;
        }

        /** Copies the input and target of each time step of a row. */
        void feed(int row, int[] inputs, int[] targets) {
            int count = Math.min(SEQ_LENGTH, scores.logProbabilities().length - predicted);
            for (int t = 0; t < count; t++) {
                inputs[t * rows + row] = ids[predicted + t];
                targets[t * rows + row] = ids[predicted + t + 1];
            }
        }

        /** Takes the predictions of a run. */
        void accept(int row, float[] losses, int[] likely, float[] logProbabilities) {
            for (int t = 0; t < SEQ_LENGTH && !isDone(); t++) {
                int place = t * rows + row;
                scores.logProbabilities()[predicted] = -losses[place];
                System.arraycopy(likely, place * top, scores.topIds(), predicted * top, top);
                System.arraycopy(logProbabilities, place * top, scores.topLogProbabilities(), predicted * top, top);
                predicted++;
            }
        }
    }

    /**
     * Scores texts.
     *
     * @param texts known characters, at least 0; read as they are needed
     * @param scored receives the scores of each text, in the order of the texts
     */
    public void score(Iterator<int[]> texts, Consumer<Scores> scored) {
        Deque<Text> unfinished = new ArrayDeque<>();
        long ahead = 0;
        Text[] current = new Text[rows];
        List<float[]> state = new ArrayList<>();
        stateShapes.forEach(shape -> state.add(new float[Math.toIntExact(shape.size())]));
        while (texts.hasNext() || !unfinished.isEmpty()) {
            for (int row = 0; row < rows; row++) {
                while ((current[row] == null || current[row].isDone())
                        && texts.hasNext()
                        && (unfinished.isEmpty() || ahead < maxAhead)) {
                    current[row] = new Text(texts.next());
                    unfinished.add(current[row]);
                    ahead += 1 + current[row].ids.length;
                    clear(state, row);
                }
            }
            if (Arrays.stream(current).anyMatch(text -> text != null && !text.isDone())) {
                run(current, state);
            }
            while (!unfinished.isEmpty() && unfinished.peek().isDone()) {
                ahead -= 1 + unfinished.peek().ids.length;
                scored.accept(unfinished.remove().scores);
            }
        }
    }

    private void clear(List<float[]> state, int row) {
        for (float[] array : state) {
            int h = array.length / rows;
            Arrays.fill(array, row * h, (row + 1) * h, 0);
        }
    }

    /** Predicts the next characters of each row's text, and replaces the state. */
    private void run(Text[] current, List<float[]> state) {
        int[] inputs = new int[SEQ_LENGTH * rows];
        int[] targets = new int[SEQ_LENGTH * rows];
        for (int row = 0; row < rows; row++) {
            if (current[row] != null) {
                current[row].feed(row, inputs, targets);
            }
        }
        List<TFloat32> before = new ArrayList<>();
        try {
            for (int i = 0; i < state.size(); i++) {
                before.add(FloatTensors.of(stateShapes.get(i), state.get(i)));
            }
            try (Result result = graph.run(inputs, targets, before)) {
                float[] losses = FloatTensors.toArray((TFloat32) result.get(0));
                int[] likely = new int[top * losses.length];
                float[] logProbabilities = new float[top * losses.length];
                if (top > 0) {
                    TInt32 ids = (TInt32) result.get(1 + state.size());
                    ids.copyTo(NdArrays.wrap(ids.shape(), DataBuffers.of(likely, false, false)));
                    logProbabilities = FloatTensors.toArray((TFloat32) result.get(2 + state.size()));
                }
                for (int row = 0; row < rows; row++) {
                    if (current[row] != null) {
                        current[row].accept(row, losses, likely, logProbabilities);
                    }
                }
                List<Tensor> after = graph.states(result);
                for (int i = 0; i < after.size(); i++) {
                    state.set(i, FloatTensors.toArray((TFloat32) after.get(i)));
                }
            }
        } finally {
            before.forEach(Tensor::close);
        }
    }

    @Override
    public void close() {
        graph.close();
    }
}
