import { createRoot } from "react-dom/client";
import { BrowserRouter, Route, Routes, useParams } from "react-router-dom";
import "./style.css";

function Item() {
  return <h1>Item {useParams().id}</h1>;
}

createRoot(document.getElementById("root")).render(
  <BrowserRouter basename={import.meta.env.BASE_URL}>
    <Routes>
      <Route path="/" element={<h1>Items</h1>} />
      <Route path="/items/:id" element={<Item />} />
    </Routes>
  </BrowserRouter>,
);
