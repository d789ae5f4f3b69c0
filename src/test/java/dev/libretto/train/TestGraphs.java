package dev.libretto.train;

import java.util.List;
import java.util.stream.Stream;
import org.tensorflow.proto.GraphDef;
import org.tensorflow.proto.NodeDef;

/** Reads graph definitions. */
final class TestGraphs {
    private TestGraphs() {}

    /** Returns the operations of a graph and of its functions. */
    static List<NodeDef> nodes(GraphDef definition) {
        Stream<NodeDef> ofFunctions = definition.getLibrary().getFunctionList().stream()
                .flatMap(function -> function.getNodeDefList().stream());
        return Stream.concat(definition.getNodeList().stream(), ofFunctions).toList();
    }
}
