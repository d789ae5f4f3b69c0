package dev.libretto.generate;

import dev.libretto.device.Sessions;
import dev.libretto.model.Blocks;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.StdArrays;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.core.ReduceMax;
import org.tensorflow.op.core.ReduceSum;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * The graph of a {@link GraphModel}. A run reads {@value #STEPS} characters per row, or writes as many, or {@value #FEW_STEPS}.
 * In writing, the most likely character is fed back inside the graph.
 */
final class DecodingGraph implements AutoCloseable {
    /** Time steps per run, enough to amortize the call. */
    static final int STEPS = 64;
    /** Time steps per run that writes for somebody who may not want to wait for the end of a longer one. */
    static final int FEW_STEPS = 8;

    /** The numbers of rows that a graph computes, and how. */
    enum Kind {
        /** One, in the fewest operations. */
        FUSED(Blocks.NONE),
        /** One, faster with oneDNN, which rounds it as in {@link #ALIKE}. */
        ONE(Blocks.OF_ROWS_AND_COLUMNS),
        /** Any number. */
        ANY(Blocks.NONE),
        /** Any number, of which oneDNN rounds few differently. */
        ALIKE(Blocks.OF_ROWS);

        private final Blocks blocks;

        Kind(Blocks blocks) {
            this.blocks = blocks;
        }
    }

    /**
     * What a run writes.
     *
     * @param characters {@code [T, B]}
     * @param logProbabilities {@code [T, B]}
     * @param state the state before the last character
     */
    private record Writing(
            int steps, Operand<TInt32> characters, Operand<TFloat32> logProbabilities, List<Operand<TFloat32>> state) {}

    private final ModelConfig config;
    private final Kind kind;
    private final LanguageModel model;
    private final Graph graph = Sessions.newGraph();
    private final Session session;
    /** The characters of one time step, {@code [B]}. */
    private final Placeholder<TInt32> ids;
    /** The characters to read, {@code [STEPS, B]}. */
    private final Placeholder<TInt32> text;

    private final List<Placeholder<TFloat32>> state = new ArrayList<>();
    /** The output after {@link #ids}. */
    private final LanguageModel.Output step;
    /** The state after {@link #text}. */
    private final List<Operand<TFloat32>> readState;
    /** What is written after {@link #ids} in few steps, and in {@link #STEPS}. */
    private final List<Writing> written = new ArrayList<>();

    DecodingGraph(ModelConfig config, Weights weights, Kind kind) {
        this.config = config;
        this.kind = kind;
        try {
            Ops tf = Ops.create(graph);
            ids = tf.withName("ids").placeholder(TInt32.class, Placeholder.shape(Shape.of(Shape.UNKNOWN_SIZE)));
            text = tf.withName("text")
                    .placeholder(TInt32.class, Placeholder.shape(Shape.of(STEPS, Shape.UNKNOWN_SIZE)));
            for (Shape shape : LanguageModel.stateShapes(config, 1)) {
                Shape anyRows = Shape.of(Shape.UNKNOWN_SIZE, shape.get(1));
                state.add(tf.withName("state").placeholder(TFloat32.class, Placeholder.shape(anyRows)));
            }
            Function<Parameter, Operand<TFloat32>> valueOf = p -> tf.constant(p.shape(), DataBuffers.of(weights.of(p)));
            model = new LanguageModel(tf, config, valueOf, Sessions.factorType(), kind.blocks);

            Ops writing = tf.withSubScope("write");
            Operand<TInt32> axis = writing.constant(1);
            List<Operand<TInt32>> characters = new ArrayList<>();
            List<Operand<TFloat32>> scores = new ArrayList<>();
            step = step(writing, ids, new ArrayList<>(state));
            LanguageModel.Output last = step;
            for (int t = 0; t < STEPS; t++) {
                if (t > 0) {
                    last = step(writing, characters.get(t - 1), last.state());
                }
                characters.add(writing.math.argMax(last.logits(), axis, TInt32.class));
                scores.add(largestLogProbability(writing, last.logits(), axis));
                if (t + 1 == FEW_STEPS || t + 1 == STEPS) {
                    written.add(new Writing(t + 1, writing.stack(characters), writing.stack(scores), last.state()));
                }
            }

            Ops reading = tf.withSubScope("read");
            List<Operand<TFloat32>> current = new ArrayList<>(state);
            for (Operand<TInt32> character : reading.unstack(text, (long) STEPS)) {
                current = step(reading, character, current).state();
            }
            readState = current;
            session = Sessions.openForSmallRuns(graph);
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
    }

    private LanguageModel.Output step(Ops tf, Operand<TInt32> character, List<Operand<TFloat32>> before) {
        if (kind != Kind.FUSED) {
            return model.step(tf, character, before);
        }
        Operand<TInt32> id = tf.reshape(character, tf.constant(new int[0]));
        return model.stepOneRow(tf, tf.gather(model.projections(), id, tf.constant(0)), before);
    }

    /** The log softmax of the largest logit of each row, {@code [B]}. */
    private static Operand<TFloat32> largestLogProbability(Ops tf, Operand<TFloat32> logits, Operand<TInt32> axis) {
        Operand<TFloat32> below = tf.math.sub(logits, tf.reduceMax(logits, axis, ReduceMax.keepDims(true)));
        return tf.math.neg(tf.math.log(tf.reduceSum(tf.math.exp(below), axis, ReduceSum.keepDims(false))));
    }

    /** {@link TextModel#step}. */
    TextModel.Step step(int[] characters, List<float[]> before) {
        try (TInt32 input = TInt32.vectorOf(characters);
                Result result = run(ids, input, before, step.state(), step.logits())) {
            return new TextModel.Step(FloatTensors.toArray((TFloat32) result.get(state.size())), arrays(result));
        }
    }

    /** {@link TextModel#read}. */
    List<float[]> read(int[][] characters, List<float[]> before) {
        List<float[]> current = before;
        int t = 0;
        for (; t + STEPS <= characters.length; t += STEPS) {
            try (TInt32 input = TInt32.tensorOf(StdArrays.ndCopyOf(Arrays.copyOfRange(characters, t, t + STEPS)));
                    Result result = run(text, input, current, readState)) {
                current = arrays(result);
            }
        }
        for (; t < characters.length; t++) {
            try (TInt32 input = TInt32.vectorOf(characters[t]);
                    Result result = run(ids, input, current, step.state())) {
                current = arrays(result);
            }
        }
        return current;
    }

    /** {@link TextModel#writeGreedily} of at least {@link #FEW_STEPS} characters. */
    TextModel.Written writeGreedily(int[] last, List<float[]> before, boolean scored, int most) {
        Writing writing = written.get(most < STEPS ? 0 : 1);
        int steps = writing.steps();
        try (TInt32 input = TInt32.vectorOf(last);
                Result result = scored
                        ? run(ids, input, before, writing.state(), writing.characters(), writing.logProbabilities())
                        : run(ids, input, before, writing.state(), writing.characters())) {
            int[][] characters = new int[steps][last.length];
            float[][] scores = new float[steps][last.length];
            StdArrays.copyFrom((TInt32) result.get(state.size()), characters);
            if (scored) {
                StdArrays.copyFrom((TFloat32) result.get(state.size() + 1), scores);
            }
            ScoredCharacter[][] both = new ScoredCharacter[steps][last.length];
            for (int t = 0; t < steps; t++) {
                for (int row = 0; row < last.length; row++) {
                    both[t][row] = new ScoredCharacter(characters[t][row], scores[t][row]);
                }
            }
            return new TextModel.Written(both, arrays(result));
        }
    }

    /** Runs the graph; the result holds {@code after}, then {@code more}. */
    private Result run(
            Placeholder<TInt32> where,
            TInt32 input,
            List<float[]> before,
            List<Operand<TFloat32>> after,
            Operand<?>... more) {
        Session.Runner runner = session.runner().feed(where, input);
        after.forEach(runner::fetch);
        List.of(more).forEach(runner::fetch);
        int rows = (int) input.shape().get(input.rank() - 1);
        List<Shape> shapes = LanguageModel.stateShapes(config, rows);
        List<TFloat32> fed = new ArrayList<>();
        try {
            for (int i = 0; i < state.size(); i++) {
                fed.add(FloatTensors.of(shapes.get(i), before.get(i)));
                runner.feed(state.get(i), fed.get(i));
            }
            return runner.run();
        } finally {
            fed.forEach(Tensor::close);
        }
    }

    private List<float[]> arrays(Result result) {
        List<float[]> arrays = new ArrayList<>();
        for (int i = 0; i < state.size(); i++) {
            arrays.add(FloatTensors.toArray((TFloat32) result.get(i)));
        }
        return arrays;
    }

    @Override
    public void close() {
        session.close();
        graph.close();
    }
}
