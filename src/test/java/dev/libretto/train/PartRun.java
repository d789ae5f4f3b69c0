package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Runs the graph of a part that is a whole batch, so that values inside it can be fetched. */
final class PartRun implements AutoCloseable {
    /** The results, and the further values that were asked for. */
    record Outcome(float loss, Weights gradients, List<float[]> after, List<float[]> further) {}

    private final ModelConfig model;
    private final TrainConfig training;
    final Graph graph = Sessions.newGraph();
    final PartGraph part;
    private final Session session;

    PartRun(ModelConfig model, TrainConfig training) {
        this(model, training, ExecutionPlan.onCpu(model, training.with(c -> c.parts = 1)));
    }

    PartRun(ModelConfig model, TrainConfig training, ExecutionPlan plan) {
        this.model = model;
        this.training = training;
        part = new PartGraph(graph, model, training, plan);
        session = Sessions.open(graph);
    }

    /**
     * @param inputs {@code [T, B]}
     * @param targets {@code [T, B]}
     * @param before each {@code [B, H]}
     */
    Outcome run(Weights weights, int[] inputs, int[] targets, List<float[]> before, List<Operand<TFloat32>> further) {
        PartGraph.Arguments arguments = part.arguments;
        Shape ids = Shape.of(training.seqLength(), training.batchSize());
        List<Tensor> fed = new ArrayList<>();
        Session.Runner runner = session.runner();
        feed(runner, fed, arguments.inputs(), TInt32.tensorOf(ids, DataBuffers.of(inputs)));
        feed(runner, fed, arguments.targets(), TInt32.tensorOf(ids, DataBuffers.of(targets)));
        TFloat32 shares = TFloat32.tensorOf(Shape.of(training.batchSize()));
        shares.scalars().forEach(share -> share.setFloat(1f / ids.size()));
        feed(runner, fed, arguments.shares(), shares);
        List<Parameter> parameters = LanguageModel.parameters(model);
        for (int i = 0; i < parameters.size(); i++) {
            Parameter parameter = parameters.get(i);
            feed(runner, fed, arguments.parameters().get(i), FloatTensors.of(parameter.shape(), weights.of(parameter)));
        }
        Shape state = Shape.of(training.batchSize(), model.hiddenSize());
        for (int i = 0; i < before.size(); i++) {
            feed(runner, fed, arguments.before().get(i), FloatTensors.of(state, before.get(i)));
        }
        List<Operand<TFloat32>> fetched = new ArrayList<>(List.of(part.results.loss()));
        fetched.addAll(part.results.gradients());
        fetched.addAll(part.results.after());
        fetched.addAll(further);
        fetched.forEach(runner::fetch);
        List<float[]> arrays = new ArrayList<>();
        try (Result result = runner.run()) {
            result.forEach(entry -> arrays.add(FloatTensors.toArray((TFloat32) entry.getValue())));
        } finally {
            fed.forEach(Tensor::close);
        }
        int states = 1 + parameters.size();
        int end = states + before.size();
        return new Outcome(
                arrays.get(0)[0],
                new Weights(parameters, parameter -> arrays.get(1 + parameters.indexOf(parameter))),
                arrays.subList(states, end),
                arrays.subList(end, arrays.size()));
    }

    private static void feed(Session.Runner runner, List<Tensor> fed, Operand<?> placeholder, Tensor value) {
        fed.add(value);
        runner.feed(placeholder, value);
    }

    @Override
    public void close() {
        session.close();
        graph.close();
    }
}
