package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * Measures how well a model predicts a text: one pass from a zero state with the state carried all the way, so that every
 * character but the first is predicted from all that come before it.
 */
public final class Evaluator implements AutoCloseable {
    /** Time steps in one run of the graph; the result does not depend on it. */
    private static final int SEQ_LENGTH = 128;

    private static final Shape ID_SHAPE = Shape.of(SEQ_LENGTH, 1);

    private final Graph graph = new Graph();
    private final Session session;
    private final Placeholder<TInt32> inputs;
    private final Placeholder<TInt32> targets;
    private final List<Placeholder<TFloat32>> state;
    private final List<Operand<TFloat32>> nextState;
    private final Operand<TFloat32> losses;
    private final List<TFloat32> zeroState = new ArrayList<>();

    public Evaluator(ModelConfig config, Weights weights) {
        Ops tf = Ops.create(graph);
        inputs = tf.placeholder(TInt32.class, Placeholder.shape(ID_SHAPE));
        targets = tf.placeholder(TInt32.class, Placeholder.shape(ID_SHAPE));
        state = TrainingGraph.statePlaceholders(tf, config, 1);
        Variables variables = new Variables(tf, weights.parameters());
        LanguageModel.Output output =
                new LanguageModel(tf, config, variables::of).unroll(tf, inputs, new ArrayList<>(state));
        nextState = output.state();
        losses = CrossEntropy.of(tf, output.logits(), targets).losses();
        session = Sessions.open(graph);
        variables.load(session, weights);
        for (Shape shape : LanguageModel.stateShapes(config, 1)) {
            zeroState.add(FloatTensors.zeros(shape));
        }
    }

    /**
     * Evaluates a text.
     *
     * @param ids its characters, at least two of them known; {@link Ids#NONE} ones are left out
     * @throws IllegalArgumentException if there are fewer
     */
    public Evaluation evaluate(Ids ids) {
        return evaluate(ids, position -> {});
    }

    /**
     * The same, telling how far it is.
     *
     * @param progress is told of the characters passed, every now and then
     */
    public Evaluation evaluate(Ids ids, LongConsumer progress) {
        Pass pass = new Pass();
        try {
            for (long position = 0; position < ids.length(); position++) {
                int id = ids.at(position);
                if (id != Ids.NONE) {
                    pass.add(id);
                }
                if (position % SEQ_LENGTH == 0) {
                    progress.accept(position);
                }
            }
            return pass.end();
        } finally {
            pass.close();
        }
    }

    /** One pass over a text, character by character. */
    private final class Pass {
        /** The characters of the next window, each the target of the one before. */
        private final int[] window = new int[SEQ_LENGTH + 1];

        private int filled;
        private long predicted;
        private double lossSum;
        /** What the last window left; null before the first. */
        private Result carried;

        void add(int id) {
            window[filled++] = id;
            if (filled == window.length) {
                predict();
            }
        }

        /** Predicts what the window has; the last character begins the next. */
        private void predict() {
            int count = filled - 1;
            int last = window[count];
            // What lies past the end of the text is padded by whatever is there; its losses are not counted.
            Result result =
                    run(Arrays.copyOf(window, SEQ_LENGTH), Arrays.copyOfRange(window, 1, window.length), carried);
            close();
            carried = result;
            lossSum += sum((TFloat32) result.get(0), count);
            predicted += count;
            window[0] = last;
            filled = 1;
        }

        Evaluation end() {
            if (predicted + filled < 2) {
                throw new IllegalArgumentException(
                        "the text has " + filled + " characters that the model knows; it takes at least 2");
            }
            if (filled > 1) {
                predict();
            }
            return new Evaluation(predicted, lossSum / predicted);
        }

        void close() {
            if (carried != null) {
                carried.close();
            }
        }
    }

    private Result run(int[] in, int[] out, Result carried) {
        try (TInt32 inputIds = TInt32.tensorOf(ID_SHAPE, DataBuffers.of(in));
                TInt32 targetIds = TInt32.tensorOf(ID_SHAPE, DataBuffers.of(out))) {
            Session.Runner runner = session.runner()
                    .feed(inputs, inputIds)
                    .feed(targets, targetIds)
                    .fetch(losses);
            for (int i = 0; i < state.size(); i++) {
                Tensor before = carried == null ? zeroState.get(i) : carried.get(1 + i);
                runner.feed(state.get(i), before).fetch(nextState.get(i));
            }
            return runner.run();
        }
    }

    private static double sum(TFloat32 losses, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += losses.getFloat(i);
        }
        return sum;
    }

    @Override
    public void close() {
        zeroState.forEach(Tensor::close);
        session.close();
        graph.close();
    }
}
