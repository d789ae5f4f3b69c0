package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
 * Measures how well a model predicts a text. Every character except the first is predicted once. The text is cut into rows that
 * are read in parallel, each from a zero state. With one row, each character is predicted from all before it.
 *
 * <p>In a text of documents, every character of a document and its end are predicted from what is before them in the document. Rows
 * begin with documents, so the result does not depend on their number.
 */
public final class Evaluator implements AutoCloseable {
    /** Time steps per run of the graph; does not affect the result. */
    private static final int SEQ_LENGTH = 128;

    private final Graph graph = Sessions.newGraph();
    private final Session session;
    private final int rows;
    private final int end; // of a document; NONE without documents
    private final Shape idShape;
    private final Variables variables;
    private final Placeholder<TInt32> inputs;
    private final Placeholder<TInt32> targets;
    private final List<Placeholder<TFloat32>> state = new ArrayList<>();
    private final List<Operand<TFloat32>> nextState;
    private final Operand<TFloat32> losses;
    private final List<TFloat32> zeroState = new ArrayList<>();

    /** Creates an evaluator that reads a text as one row. */
    public Evaluator(ModelConfig config, Weights weights) {
        this(config, 1);
        try {
            load(weights);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Creates an evaluator that reads a text as parallel rows; {@link #load} the weights first.
     *
     * @param rows B
     */
    Evaluator(ModelConfig config, int rows) {
        this.rows = rows;
        this.end = config.end();
        idShape = Shape.of(SEQ_LENGTH, rows);
        try {
            Ops tf = Ops.create(graph);
            inputs = tf.placeholder(TInt32.class, Placeholder.shape(idShape));
            targets = tf.placeholder(TInt32.class, Placeholder.shape(idShape));
            for (Shape shape : LanguageModel.stateShapes(config, rows)) {
                state.add(tf.placeholder(TFloat32.class, Placeholder.shape(shape)));
                zeroState.add(FloatTensors.zeros(shape));
            }
            variables = new Variables(tf, LanguageModel.parameters(config));
            Map<Parameter, Operand<TFloat32>> values = variables.after(tf, null);
            LanguageModel.Output output = new LanguageModel(tf, config, values::get, Sessions.factorType())
                    .unroll(tf, inputs, new ArrayList<>(state));
            nextState = output.state();
            losses = CrossEntropy.of(tf, output.logits(), targets).losses();
            session = Sessions.open(graph);
        } catch (RuntimeException e) {
            zeroState.forEach(Tensor::close);
            graph.close();
            throw e;
        }
    }

    /** Loads weights. */
    final void load(Weights weights) {
        variables.load(session, weights);
    }

    /**
     * Evaluates a text.
     *
     * @param ids its characters; {@link Ids#NONE}, an unknown character, is skipped
     * @throws IllegalArgumentException if fewer than two characters are known
     */
    public Evaluation evaluate(Ids ids) {
        return evaluate(ids, position -> {});
    }

    /**
     * Evaluates a text and reports progress.
     *
     * @param progress receives the number of characters predicted so far, after each run of the graph
     */
    public Evaluation evaluate(Ids ids, LongConsumer progress) {
        List<Row> text = rows(ids);
        boolean isKnown = text.stream().anyMatch(row -> row.current != Ids.NONE);
        long predicted = 0;
        double lossSum = 0;
        Result carried = null;
        try {
            for (Window window = window(text); window.count() > 0; window = window(text)) {
                Result result = run(window, carried);
                if (carried != null) {
                    carried.close();
                }
                carried = result;
                lossSum += sum((TFloat32) result.get(0), window);
                predicted += window.count();
                progress.accept(predicted);
            }
        } finally {
            if (carried != null) {
                carried.close();
            }
        }
        if (predicted == 0) {
            throw new IllegalArgumentException(
                    "the text has " + (isKnown ? 1 : 0) + " characters that the model knows; it needs at least 2");
        }
        return new Evaluation(predicted, lossSum / predicted);
    }

    private List<Row> rows(Ids ids) {
        long length = (ids.length() + rows - 1) / rows;
        List<Row> text = new ArrayList<>();
        long start = 0;
        for (int row = 1; row <= rows; row++) {
            long next = Math.min(row * length, ids.length());
            if (end != Ids.NONE) {
                next = ids.find(end, next);
            }
            text.add(new Row(ids, start, next));
            start = next;
        }
        return text;
    }

    /**
     * A row of the text. It predicts its known characters except the first, and the first known one of the next row.
     */
    private static final class Row {
        private final Ids ids;
        private final long end;
        private long position; // after the current character
        private int current; // NONE at the end

        Row(Ids ids, long start, long end) {
            this.ids = ids;
            this.end = end;
            this.position = start;
            this.current = nextKnown();
        }

        private int nextKnown() {
            while (position < ids.length()) {
                int id = ids.at(position++);
                if (id != Ids.NONE) {
                    return id;
                }
            }
            return Ids.NONE;
        }

        /** Advances by one character, and returns whether there is one to predict. */
        boolean fill(int[] inputs, int[] targets, int place) {
            if (current == Ids.NONE || position > end) {
                return false;
            }
            inputs[place] = current;
            current = nextKnown();
            targets[place] = Math.max(0, current);
            return current != Ids.NONE;
        }
    }

    /** The input of one run of the graph, {@code [T, B]}, and which losses count, not those past the end of a row. */
    private record Window(int[] inputs, int[] targets, boolean[] isCounted, int count) {}

    private Window window(List<Row> text) {
        int size = SEQ_LENGTH * rows;
        int count = 0;
        int[] inputs = new int[size];
        int[] targets = new int[size];
        boolean[] isCounted = new boolean[size];
        for (int place = 0; place < size; place++) {
            isCounted[place] = text.get(place % rows).fill(inputs, targets, place);
            count += isCounted[place] ? 1 : 0;
        }
        return new Window(inputs, targets, isCounted, count);
    }

    private Result run(Window window, Result carried) {
        try (TInt32 inputIds = TInt32.tensorOf(idShape, DataBuffers.of(window.inputs()));
                TInt32 targetIds = TInt32.tensorOf(idShape, DataBuffers.of(window.targets()))) {
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

    private static double sum(TFloat32 losses, Window window) {
        double sum = 0;
        for (int i = 0; i < window.isCounted().length; i++) {
            sum += window.isCounted()[i] ? losses.getFloat(i) : 0;
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
